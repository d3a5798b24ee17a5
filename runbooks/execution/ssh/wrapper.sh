# What stands over a script on a node. It is a fixed text: all that belongs to a run comes as data over standard input,
# and nothing but a POSIX shell with the usual small programs is asked of the node. ssh_session.py is its other side.
#
#   shell (this)       makes the folder, starts the script in a session of its own, waits for it
#     ├ runner         reads environment and arguments, becomes the script
#     └ supervisor     hears the worker, the clock and the shell through one pipe; ends the script with all it started,
#         ├ listener   removes the folder, and has the last word
#         └ timer
#
# Descriptors: 3 events, 4 output of the script, 5 input from the worker, 6 what is said to the worker.

before=$(umask)
umask 077
exec 4>&1 5<&0 6>&2 </dev/null >/dev/null 2>/dev/null
ulimit -c 0 # a dump would hold secrets
trap : HUP PIPE TERM # caught, not ignored: the script would inherit that
system_path=$PATH

say() { printf "%s %s\n" "$token" "$*" >&6; }

fail() { # WORDS: nothing was started
  say not_started "$@"
  remove
  exit 0
}

clock() { # into $now: hundredths of a second that no change of the time of day touches, where there is Linux
  if read -r up _ </proc/uptime; then now=${up%.*}${up#*.}; else now=$(date +%s)00; fi
}

make_folder() { # the first of the places offered that can be written to
  root=
  while IFS= read -r place <&5 && [ "$place" ]; do
    [ "$place" = . ] && place=$PWD
    own=$place/$name/.opsaas
    [ "$root" ] || {
      mkdir "$place/$name" "$own" "$own/script" "$own/artifacts" "$own/temporary" "$own/files" && root=$place/$name
    } || rm -rf "${place:?}/$name"
  done
  own=$root/.opsaas
  if [ -z "$root" ]; then
    say no_folder
    exit 0
  fi
  : >"$own/output" && : >"$own/summary.md" && mkfifo "$own/events" || fail no_space "$root"
  exec 3<>"$own/events"
  rm -f "$own/events"
  cd "$root" || fail no_space "$root"
}

take() { # FILE BYTES: so many bytes of the input, and not one more
  : >"$1" || return 1
  missing=$2
  while [ "$missing" -gt 0 ]; do
    [ "$missing" -gt 65536 ] && part=65536 || part=$missing
    dd bs="$part" count=1 <&5 >>"$1" || return 1
    size=$(wc -c <"$1") || return 1
    [ "$(($2 - size))" -lt "$missing" ] || return 1
    missing=$(($2 - size))
  done
}

need() { # PROGRAM: or else say why it can not be started
  case $1 in
    */*) candidates=$1 ;;
    *) candidates= ;;
  esac
  found=
  IFS=:
  for folder in $search; do
    file=${candidates:-$folder/$1}
    if [ -f "$file" ]; then
      found=$file
      if [ -x "$file" ]; then
        unset IFS
        return 0
      fi
    fi
  done
  unset IFS
  [ "$found" ] && fail not_executable "$found"
  fail missing "$1"
}

limit() { # NAME MOST UNIT LETTERS: so much for the script alone, or else say why that can not be kept here
  what=$1 most=$(($2 / $3)) unit=$3
  [ "$what" != processes ] || count_processes "$most"
  shift 3
  for letter; do
    set_to=$(ulimit "-$letter" "$most" && ulimit "-$letter")
    if [ "$set_to" = "$most" ]; then
      limits="$limits-$letter $most "
      return
    fi
    set_to=$(ulimit -H "-$letter") # the node may be stricter, and let nobody change it
    if [ "$set_to" -le "$most" ]; then
      say tighter "$what" "$((set_to * unit))"
      return
    fi
  done
  fail no_limit "$what"
}

count_processes() { # MOST: the kernel counts all those of an account, but not those of root
  account=$(id -u)
  [ "$account" != 0 ] || fail no_limit processes root
  there=$(cat /proc/[0-9]*/status | awk -v account="$account" '
    /^Uid:/ { own = ($2 == account) }
    own && /^Threads:/ { all += $2 }
    END { print all }')
  [ "${there:-0}" -lt "$1" ] || fail no_limit processes "$there"
}

take_job() {
  search=$system_path deadline= limits= mark=none
  while [ -z "$deadline" ] && IFS= read -r line <&5; do
    rest=${line#* }
    case $line in
      file\ *) take "${rest#* }" "${rest%% *}" || fail no_space "$root" ;;
      folder\ *) mkdir "$rest" || fail no_space "$root" ;;
      mode\ *) chmod "${rest%% *}" "${rest#* }" ;;
      search\ *) search=$rest ;;
      need\ *) need "$rest" ;;
      limit\ *) limit $rest ;;
      mark\ *) # in kibibytes; the kernel tells bytes
        mark=$((rest * 1024))
        [ "$(ulimit -m "$rest" && ulimit -m)" != "$rest" ] || limits="-m $rest $limits"
        ;;
      run\ *) deadline=$rest ;;
    esac
  done
  [ "$deadline" ] || fail cut
}

# Becomes the script. Values are read, never parsed: a number of lines, then the lines. Without the last one nothing runs.
# It takes input and output itself: a shell that waits would write into redirected output that a signal ended the script.
runner="
exec <&5 >&4 2>&4 4>&- 5<&- 6>&-
o_nl='
'
o_value() {
  IFS= read -r o_n && IFS= read -r o_v || exit 125
  while [ \"\$o_n\" -gt 1 ]; do
    IFS= read -r o_line || exit 125
    o_v=\$o_v\$o_nl\$o_line
    o_n=\$((o_n - 1))
  done
}
o_mark=\$3 o_limits=\$4
trap ': >\"\$o_mark\"' EXIT
umask \"\$1\"
cd \"\$2\" || exit 125
echo \"started \$\$\" >&3
unset PWD OLDPWD SHLVL
while IFS= read -r o_name && [ \"\$o_name\" ]; do
  o_value
  export \"\$o_name=\$o_v\"
done
IFS= read -r o_count || exit 125
set --
while [ \"\$o_count\" -gt 0 ]; do
  o_value
  set -- \"\$@\" \"\$o_v\"
  o_count=\$((o_count - 1))
done
IFS= read -r o_end && [ \"\$o_end\" = end ] || exit 125
echo running >&3
o_limit() { while [ \"\$1\" ]; do ulimit \"\$1\" \"\$2\" || exit 125; shift 2; done; }
o_limit \$o_limits
shopt -s execfail 2>/dev/null
exec \"\$@\" 3>&- </dev/null
o_code=\$?
: >\"\$o_mark\"
exit \$o_code"

choose_leader() { # what begins a new session; without it there is no group to signal, only processes one by one
  own_session=yes
  if command -v setsid >/dev/null; then
    lead() { setsid "$@"; }
  elif command -v perl >/dev/null; then
    lead() { perl -e "use POSIX; POSIX::setsid(); exec @ARGV" "$@"; }
  else
    own_session=
    lead() { "$@"; }
  fi
}

# The processes of the script that live: by their session and group, by what they descend from, by a cookie in their
# environment, and by a limit that no other process has, that Linux does not heed, and that outlives all of these.
tree() {
  if [ -r /proc/self/stat ]; then
    {
      grep -lzF -e "OPSAAS_OUTPUT_FILE=$own/output" -e "Max resident set          $mark " \
        /proc/[0-9]*/environ /proc/[0-9]*/limits
      cat /proc/[0-9]*/stat
    }
  else
    ps -A -o pid= -o stat= -o ppid= -o pgid= | sed "s/^ *\([0-9]*\) /\1 (p) /; s/\$/ 0/"
  fi | awk -v pid="${pid:-none}" -v own_session="$own_session" "$select"
}

select='
/^\/proc\// { split($0, part, "/"); marked[part[3]] = 1; next }
{
  p = $1
  sub(/^.*\) /, "")
  if ($1 ~ /^[ZX]/) next
  above[p] = $2
  if (p == pid || (own_session && ($3 == pid || $4 == pid))) marked[p] = 1
}
END {
  do {
    more = 0
    for (p in above) if (!(p in marked) && (above[p] in marked)) { marked[p] = 1; more = 1 }
  } while (more)
  for (p in marked) if (p in above) print p
}'

polite() {
  for p in $(tree); do
    kill -TERM "$p"
    kill -CONT "$p"
  done
}

end_all() { # strikes until nothing is left; what can not be ended is in $survivors
  tries=0
  [ -z "$own_session" ] || [ -z "$pid" ] || kill -KILL "-$pid"
  while survivors=$(tree) && [ "$survivors" ]; do
    kill -KILL $survivors
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || return 1
    [ "$tries" -lt 3 ] || sleep 0.1 || sleep 1
  done
}

listen() { # passes on what the worker says, and that it is gone
  while IFS= read -r line <&5; do printf "%s\n" "$line"; done
  echo gone
}

arm() { # wakes the supervisor when the right to run ends, unless it has been renewed by then
  clock
  wait_for=$((deadline - now))
  [ "$wait_for" -gt 0 ] || wait_for=1
  whole=$((wait_for / 100)) part=$((wait_for % 100))
  [ "$part" -gt 9 ] || part=0$part
  (
    trap 'kill "$sleeping"; exit' TERM
    sleep "$whole.$part" &
    sleeping=$!
    wait "$sleeping" || {
      sleep "$((whole + 1))" & # a sleep that knows no fractions
      sleeping=$!
      wait "$sleeping"
    }
    echo timer >&3
  ) 4>&- 5<&- 6>&- &
  timer=$!
}

because() { [ "$why" != exited ] || why=$1; }

orphaned() { ! kill -0 $$; } # the shell is gone: $$ is its number here too

strike() { # WHY: at once
  ! orphaned || because killed
  because "$1"
  end_all || return 1
  ! orphaned # who lives tells the exit code
}

supervise() {
  trap "" HUP INT QUIT PIPE
  why=exited code=137 pid= listener= survivors=
  arm
  while read -r word rest <&3; do
    case $word in
      started) pid=$rest ;;
      running)
        say running
        (listen) >&3 4>&- 6>&- & # a subshell: dash keeps for itself what it closes for a function
        listener=$!
        ;;
      renew)
        deadline=$rest
        say renewed "$rest"
        ! orphaned || strike killed || break
        ;;
      stop)
        because stop
        polite
        ;;
      kill)
        strike stop || break
        ;;
      gone) strike gone || break ;;
      timer)
        clock
        if [ "$now" -ge "$deadline" ]; then strike deadline || break; else arm; fi
        ;;
      exited)
        code=$rest
        break
        ;;
    esac
  done
  end_all
  report
  kill "$timer" $listener
  remove
}

report() {
  if [ -f "$own/failed" ] && [ ! -h "$own/failed" ] && [ "$why" = exited ]; then
    say not_started refused "$code"
    return
  fi
  left=
  for p in $survivors; do
    read -r comm </proc/"$p"/comm || comm=?
    left="$left${left:+, }$comm (process $p)"
  done
  say ended "$why" "$code" "$left"
  [ "$why" = gone ] || {
    send output "$own/output" 1048577
    send summary "$own/summary.md" 1048577
    hand_over
  }
}

hand_over() { # what the script left to be kept, one by one: the worker says whether it wants it
  for one in "$root" "$own" "$own/artifacts"; do
    [ -d "$one" ] && [ ! -h "$one" ] || return 0
  done
  for one in "$own"/artifacts/* "$own"/artifacts/.[!.]*; do
    if [ -e "$one" ] || [ -h "$one" ]; then
      cd "$own/artifacts" && find . ! -type d -exec sh -c "$offer" opsaas "$token" {} + >&6
      return
    fi
  done
}

offer='
token=$1
shift
for file; do
  name=${file#./}
  kind=artifact
  [ -f "$file" ] && [ ! -h "$file" ] && [ -r "$file" ] || kind=no_artifact
  size=0
  [ "$kind" = no_artifact ] || size=$(($(wc -c <"$file")))
  printf "%s file name %s\n%s%s %s %s\n" "$token" "${#name}" "$name" "$token" "$kind" "$size"
  while read -r word rest <&3; do
    case $word in
      give)
        head -c "$size" "$file"
        printf "%s given\n" "$token"
        break
        ;;
      skip) break ;;
      enough | gone)
        kill "$PPID"
        exit
        ;;
    esac
  done
done'

send() { # NAME FILE LIMIT: a plain file only, and no link on the way to it
  [ -e "$2" ] || [ -h "$2" ] || [ -h "$own" ] || return 0
  if [ -h "$root" ] || [ -h "$own" ] || [ -h "$2" ] || [ ! -f "$2" ] || [ ! -r "$2" ]; then
    say odd "$1"
    return
  fi
  [ -s "$2" ] || return 0
  size=$(wc -c <"$2")
  size=$((size))
  [ "$size" -le "$3" ] || size=$3
  say file "$1" "$size"
  dd bs="$size" count=1 <"$2" >&6
}

remove() {
  cd /
  if grep -qF " $root/" /proc/self/mounts; then
    say not_removed "something is mounted inside $root"
    return
  fi
  rm -rf "$root" || {
    chmod -R u+rwX "$root"
    trouble=$(rm -rf "$root" 2>&1)
  }
  if [ -e "$root" ]; then say not_removed "$trouble"; else say removed; fi
}

IFS= read -r token <&5 && IFS= read -r name <&5 || exit 0
make_folder
clock
printf "%s\n" "$token" >&4
say hello "$now" "$root"
take_job
choose_leader
supervise &
supervisor=$!
lead sh -c "$runner" opsaas "$before" "$root" "$own/failed" "$limits"
echo "exited $?" >&3
wait "$supervisor" || { # somebody killed it
  pid=
  end_all
  remove
}
