# SPDX-License-Identifier: ISC
# From what run.sh has measured to what people read: the machine, what was measured, and each goal with what was found.
# usage: awk -v smoke=[yes] -v has_grants=[yes] -f report.awk MACHINE COUNTS RESULTS
#
# RESULTS is what knocks prints, COUNTS has lines "calls|instructions CASE NUMBER". A goal that is missed fails nothing:
# only with smoke, which is TAP, is there a test, and that one is whether the figures are there.

FILENAME == ARGV[1] { machine[++machines] = $0; next }
$1 == "calls" { calls[$2] = $3; next }
$1 == "instructions" { instructions[$2] = $3; next }
{
    names[++count] = $1
    for (i = 2; i <= NF; i++)
        if ($i != "-")
            value[$1, i] = $i
}

function set_columns() {
    CONNECT = 3; SEED = 4; RECEIPT = 5; END_ = 6; CPU = 7; RSS = 8; FAULTS = 9; RATE = 10
}

function shown(name, column) {
    return (name, column) in value ? value[name, column] : "-"
}

# One column of a case in the same of another, or in another column of it.
function ratio(name, base, column, other) {
    if (!other)
        other = column
    if (!((name, column) in value) || !((base, other) in value) || value[base, other] == 0)
        return "-"
    return sprintf("%.2f", value[name, column] / value[base, other])
}

function mebibytes(name) {
    return (name, RSS) in value ? sprintf("%.2f", value[name, RSS] / 1024) : "-"
}

function print_measured(    i, name, format) {
    print mark "Lower quartiles of one run, times in us, to be compared within it. The last two: times floor-dynamic."
    format = "%-30s %6s %8s %8s %8s %8s %8s %6s %6s %6s %6s  %6s %6s\n"
    printf mark format, "what", "rounds", "connect", "exec", "reply to", "exec", "CPU", "KiB", "page", "system", "per", "seed", "CPU"
    printf mark format, "", "", "to seed", "to seed", "receipt", "to end", "", "peak", "faults", "calls", "second", "", ""
    for (i = 1; i <= count; i++) {
        name = names[i]
        printf mark format, name, value[name, 2], shown(name, CONNECT), shown(name, SEED), shown(name, RECEIPT), shown(name, END_), \
            shown(name, CPU), shown(name, RSS), shown(name, FAULTS), name in calls ? calls[name] : "-", shown(name, RATE), \
            ratio(name, "floor-dynamic", SEED), ratio(name, "floor-dynamic", CPU)
    }
    print mark
}

function counted(name) {
    return name in instructions ? instructions[name] : "-"
}

function print_instructions_of(what, build) {
    printf "%-30s %8s %8s %8s %8s\n", what, counted(build "/locked/ten/1"), counted(build "/rejected/ten/1"), \
        counted(build "/accepted/ten/1"), counted(build "/accepted/ten/1numbers")
}

function print_instructions(    format) {
    format = "%-30s %8s %8s %8s %8s\n"
    print "Instructions (callgrind), in thousands, up to the execve of the action:"
    printf format, "", "locked", "rejected", "accepted", "by numbers"
    print_instructions_of("default build", "default")
    print_instructions_of("static handler", "static")
    printf format, "500 actions, default build", "", "", counted("default/accepted/ten/500"), ""
    printf format, "500 in files, default build", "", "", counted("default/accepted/ten/500files"), ""
    printf format, "from IPv6, default build", "", "", "", counted("default/accepted-ipv6/ten/1numbers"), ""
    printf format, "floor-dynamic", "", "", counted("floor-dynamic"), ""
    printf format, "floor-libgcrypt", "", "", counted("floor-libgcrypt"), ""
    print ""
}

# One program beside an accepted knock.
function beside(name, what) {
    printf "%-58s %12s %12s\n", what, ratio(name, accepted, CPU), ratio(name, "static/accepted/ten/1", CPU)
}

function print_others() {
    printf "%-58s %12s %12s\n", "CPU of one visit, in accepted knocks of the", "default", "static build"
    beside("sshd", "sshd -i, a key and a forced command")
    beside("dropbear", "dropbear -i, likewise")
    beside("tinysshd", "tinysshd, a key and a command")
    beside("webhook", "webhook, which is resident: a request that HMAC signs")
    beside("bash", "bash -c :, for each connection")
    beside("spiped", "spiped, which is resident: 64 bytes carried for another")
    print ""
}

# What was found is to be at most this.
function goal(what, found, limit) {
    if (found == "-") {
        missing++
        verdict = "not measured"
    } else {
        verdict = found + 0 <= limit + 0 ? "met" : "not met"
    }
    printf mark "%-66s %6s  %6s  %s\n", what, found, limit, verdict
}

function print_goals() {
    printf mark "%-66s %6s  %6s\n", "goal", "found", "most"
    goal("exec to seed, in dynamic floors: default build", ratio(accepted, "floor-dynamic", SEED), 1.3)
    if (!smoke)
        goal("exec to seed, in dynamic floors: static handler", ratio("static/accepted/ten/1", "floor-dynamic", SEED), 1.05)
    goal("accepted, CPU, beside a program with libgcrypt: a user by name", ratio(accepted, "floor-libgcrypt", CPU), 1.3)
    goal("accepted, CPU, beside a program with libgcrypt: by numbers", ratio(numbers, "floor-libgcrypt", CPU), 1.3)
    goal("locked out, CPU, in dynamic floors", ratio("default/locked/ten/1", "floor-dynamic", CPU), 1.2)
    goal("accepted, CPU: 500 actions, in one", ratio("default/accepted/ten/500", accepted, CPU), 1.3)
    goal("accepted, CPU: 500 actions in files, in one", ratio("default/accepted/ten/500files", accepted, CPU), 1.6)
    goal("peak memory of an accepted knock, MiB: default, a user by name", mebibytes(accepted), 3)
    goal("peak memory of an accepted knock, MiB: default, by numbers", mebibytes(numbers), 3)
    if (has_grants)
        goal("a grant, CPU, beside one nft add element", ratio("ostgrant/grant", "nft/add", CPU), 1.2)
    if (smoke)
        return
    goal("peak memory of an accepted knock, MiB: static handler", mebibytes("static/accepted/ten/1"), 2)
    goal("reply to receipt, the peer thinks 30 ms, in dynamic floors", ratio("default/thinking/ten/1", "floor-dynamic", RECEIPT, SEED), 1.7)
    goal("accepted, CPU: 1,000,000 sources, in 10", ratio("default/accepted/million/1", accepted, CPU), 1.05)
    goal("rejected, CPU: 1,000,000 sources, in 10", ratio("default/rejected/million/1", "default/rejected/ten/1", CPU), 1.05)
    goal("locked out, CPU: 1,000,000 sources, in 10", ratio("default/locked/million/1", "default/locked/ten/1", CPU), 1.05)
}

END {
    set_columns()
    accepted = "default/accepted/ten/1"
    numbers = "default/accepted/ten/1numbers"
    mark = smoke ? "# " : ""
    for (i = 1; i <= machines; i++)
        print mark machine[i]
    print_measured()
    if (!smoke) {
        print_instructions()
        print_others()
    }
    print_goals()
    if (smoke)
        printf "1..1\n%s 1 - bench: there is a figure for each goal\n", missing ? "not ok" : "ok"
    exit smoke && missing
}
