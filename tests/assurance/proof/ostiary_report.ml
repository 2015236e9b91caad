(* SPDX-License-Identifier: ISC *)
(* After an analysis: one line for each thing that is not proved, for each line that nothing reaches, and for each file
   that is proved how many of its statements are reached.

   OSTIARY_SUBJECT: the files that are proved, with blanks between them; OSTIARY_DRIVER: the one that calls them, whose
   lines have to be reached as well, else it does not do what it says. OSTIARY_INLINED: the functions that are analysed
   where they are called, with commas. OSTIARY_HOOKED: those that return a place in a text; they first call the
   driver's hook_enter(), which makes unknown what is known, so that all the ways to them become one, and at the end its
   hook_leave(place), which keeps the places apart. An unproved property counts wherever it is. Lines of
   the source are quoted, not numbered, so that a list of exceptions keeps its meaning. *)
open Cil_types

let words separator name = List.filter (( <> ) "") (String.split_on_char separator (Sys.getenv name))
let subject = words ' ' "OSTIARY_SUBJECT"
let driver = Sys.getenv "OSTIARY_DRIVER"
let inlined = words ',' "OSTIARY_INLINED"
let hooked = words ',' "OSTIARY_HOOKED"
let path (position : Filepath.position) = Filepath.Normalized.to_pretty_string position.pos_path

let source_line position =
  let channel = open_in (path position) in
  for _ = 2 to position.Filepath.pos_lnum do
    ignore (input_line channel)
  done;
  let line = String.trim (input_line channel) in
  close_in channel;
  line

let one_line text = String.concat " " (List.filter (( <> ) "") (String.split_on_char ' ' (String.map (function '\n' | '\t' -> ' ' | c -> c) text)))

let say kind position kf text =
  let where = match kf with Some kf -> Kernel_function.get_name kf | None -> "" in
  Printf.printf "%s\t%s\t%s\t%s\t%s\n" kind (path position) where (source_line position) (one_line text)

let insert_hooks file =
  let hook name =
    let find = function GFun (f, _) when f.svar.vname = name -> Some f.svar | _ -> None in
    match List.find_map find file.globals with Some f -> f | None -> Kernel.abort "the driver has no %s()" name
  in
  let call name arguments location =
    Cil.mkStmtOneInstr ~valid_sid:true (Call (None, Cil.evar (hook name), arguments, location))
  in
  let insert f location =
    let leave statement =
      match statement.skind with
      | Return (Some place, location) ->
          let last = Cil.mkStmt ~valid_sid:true statement.skind in
          statement.skind <- Block (Cil.mkBlock [ call "hook_leave" [ place ] location; last ])
      | _ -> ()
    in
    Cil.visitCilFunction
      (object
         inherit Cil.nopCilVisitor
         method! vstmt statement = leave statement; Cil.SkipChildren
       end)
      f
    |> ignore;
    f.sbody.bstmts <- call "hook_enter" [] location :: f.sbody.bstmts;
    File.must_recompute_cfg f
  in
  List.iter
    (function GFun (f, location) when List.mem f.svar.vname hooked -> insert f location | _ -> ())
    file.globals

(* Blocks and labels are no statements of their own: the analysis goes to what is in them. *)
let counts statement =
  match statement.skind with
  | Block _ | UnspecifiedSequence _ -> false
  | Instr (Call (_, { enode = Lval (Var callee, NoOffset); _ }, _, _)) -> not (List.mem callee.vname [ "hook_enter"; "hook_leave" ])
  | _ -> true

let report_statements file =
  let reached = ref 0 and total = ref 0 in
  let unreached = Hashtbl.create 16 in
  let judge statement =
    incr total;
    if Eva.Results.is_reachable statement then incr reached
    else begin
      let position = fst (Cil_datatype.Stmt.loc statement) in
      let kf = Kernel_function.find_englobing_kf statement in
      Hashtbl.replace unreached (position.pos_lnum, Kernel_function.get_name kf) (position, kf)
    end
  in
  let judge_function kf =
    let position = fst (Kernel_function.get_location kf) in
    if Kernel_function.is_definition kf && path position = file then begin
      let statements = List.filter counts (Kernel_function.get_definition kf).sallstmts in
      if Eva.Results.is_called kf then List.iter judge statements
      else if not (List.mem (Kernel_function.get_name kf) inlined) then begin
        (* What is inlined is judged where it is called. *)
        total := !total + List.length statements;
        say "uncalled" position (Some kf) ""
      end
    end
  in
  Globals.Functions.iter judge_function;
  Hashtbl.fold (fun line where all -> (line, where) :: all) unreached []
  |> List.sort (fun (a, _) (b, _) -> compare a b)
  |> List.iter (fun (_, (position, kf)) -> say "unreached" position (Some kf) "");
  if file <> driver then Printf.printf "statements\t%s\t%d\t%d\n" file !reached !total

let is_proved property = match Property_status.get property with Property_status.Best (True, _) -> true | _ -> false

let report_properties () =
  let unproved = ref 0 in
  let judge property =
    let is_judged = match property with Property.IPCodeAnnot _ | Property.IPPropertyInstance _ -> true | _ -> false in
    if is_judged && not (is_proved property) then begin
      incr unproved;
      say "unproved" (fst (Property.location property)) (Property.get_kf property) (Format.asprintf "%a" Property.pretty property)
    end
  in
  Property_status.iter judge;
  Printf.printf "alarms\t%d\n" !unproved

let () =
  File.add_code_transformation_after_cleanup (File.register_code_transformation_category "hooks") insert_hooks;
  Db.Main.extend (fun () ->
      if Db.Value.is_computed () then begin
        report_properties ();
        List.iter report_statements (driver :: subject)
      end)
