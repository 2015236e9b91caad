# SPDX-License-Identifier: ISC
# From what run.sh has measured to what people read: the machine, one table, and each promise with what was found.
# usage: awk -v quick=[yes] -f report.awk MACHINE CALLS RESULTS
#
# RESULTS is what knocks prints. With quick, TAP, and limits on what other work on the machine does not change much:
# processor time and memory. Other times are printed, and judged on a quiet machine by the whole measurement.

FILENAME == ARGV[1] { machine[++machines] = $0; next }
$1 == "calls" { calls[$2] = $3; next }
{
    names[++count] = $1
    for (i = 2; i <= NF; i++)
        if ($i != "-")
            value[$1, i] = $i
}

function set_columns() {
    CONNECT = 3; SEED = 4; END_ = 5; CPU = 6; RSS = 7; FAULTS = 8; RATE = 9
}

function shown(name, column) {
    return (name, column) in value ? value[name, column] : "-"
}

function ratio(name, base, column) {
    if (!((name, column) in value) || !((base, column) in value) || value[base, column] == 0)
        return "-"
    return sprintf("%.2f", value[name, column] / value[base, column])
}

# One promise: what was found is at most, or at least, this. Where nothing was measured, it says so.
function promise(what, found, way, limit, loose) {
    if (quick) {
        if (loose == "" || found == "-")
            return
        limit = loose
    }
    promises++
    kept = found != "-" && (way == "<=" ? found + 0 <= limit + 0 : found + 0 >= limit + 0)
    if (quick)
        printf "%s %d - bench: %s: %s, %s %s\n", kept ? "ok" : "not ok", promises, what, found, way == "<=" ? "at most" : "at least", limit
    else
        printf "%-76s %8s  %s %-5s %s\n", what, found, way, limit, found == "-" ? "not measured" : kept ? "kept" : "MISSED"
    if (!kept)
        missed++
}

END {
    set_columns()
    mark = quick ? "# " : ""
    for (i = 1; i <= machines; i++)
        print mark machine[i]
    print mark "Medians; times in us. The last two: times floor-dynamic."
    format = "%-30s %6s %8s %8s %8s %8s %6s %6s %6s %6s  %6s %6s\n"
    printf mark format, "what", "rounds", "connect", "exec", "exec", "CPU", "KiB", "page", "system", "per", "seed", "CPU"
    printf mark format, "", "", "to seed", "to seed", "to end", "", "peak", "faults", "calls", "second", "", ""
    for (i = 1; i <= count; i++) {
        name = names[i]
        printf mark format, name, value[name, 2], shown(name, CONNECT), shown(name, SEED), shown(name, END_), shown(name, CPU), \
            shown(name, RSS), shown(name, FAULTS), name in calls ? calls[name] : "-", shown(name, RATE), \
            ratio(name, "floor-dynamic", SEED), ratio(name, "floor-dynamic", CPU)
    }
    print mark

    one = "default/accepted/ten/1"
    promise("accepted, exec to seed: default build / dynamic floor", ratio(one, "floor-dynamic", SEED), "<=", 1.5)
    promise("accepted, CPU: default build / dynamic floor", ratio(one, "floor-dynamic", CPU), "<=", 1.5)
    promise("accepted, exec to seed: static handler / dynamic floor", ratio("static/accepted/ten/1", "floor-dynamic", SEED), "<=", 1.1)
    promise("accepted, exec to seed: static handler / static musl floor", ratio("static/accepted/ten/1", "floor-musl", SEED), "<=", 2)
    promise("CPU: locked out / accepted", ratio("default/locked/ten/1", one, CPU), "<=", 0.9, 1)
    promise("accepted, exec to end: 1,000,000 sources / 10", ratio("default/accepted/million/1", one, END_), "<=", 1.05)
    promise("rejected, exec to end: 1,000,000 sources / 10", ratio("default/rejected/million/1", "default/rejected/ten/1", END_), "<=", 1.05)
    promise("locked out, exec to end: 1,000,000 sources / 10", ratio("default/locked/million/1", "default/locked/ten/1", END_), "<=", 1.05)
    promise("accepted, exec to end: 500 actions / 1", ratio("default/accepted/ten/500", one, END_), "<=", 1.5)
    promise("accepted, CPU: 500 actions / 1", ratio("default/accepted/ten/500", one, CPU), "<=", 1.5, 3)
    promise("CPU: sshd -i / accepted", ratio("sshd", one, CPU), ">=", 100)
    promise("CPU: dropbear -i / accepted", ratio("dropbear", one, CPU), ">=", 100)
    promise("peak memory, KiB: default build, accepted", shown(one, RSS), "<=", 3072, 4608)
    promise("peak memory, KiB: default build, rejected", shown("default/rejected/ten/1", RSS), "<=", 3072, 4096)
    promise("peak memory, KiB: static handler, accepted", shown("static/accepted/ten/1", RSS), "<=", 2048)
    if (quick)
        print "1.." promises
    exit missed > 0
}
