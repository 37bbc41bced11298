# Joined into one line: each statement ends in a semicolon, or in what needs none.
set -eEu -o pipefail;
# The failed command, once: subshells and functions fail too, and say so again.
trap '__told=$?; [[ -n ${__said:-} ]] || echo "$PAGE:$LINENO: exit status $__told: $BASH_COMMAND" >&2; __said=1' ERR;
# What is in the background ends with the page; it gets five seconds, then who runs this kills it.
__end() {
local told=$? i;
set +e; trap - ERR;
kill $(jobs -p) 2>/dev/null;
for ((i = 0; i < 50; i++)); do
[[ -n $(jobs -pr) ]] || break;
sleep 0.1;
done;
exit $told;
};
trap __end EXIT;
__listening() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -c " 0A " || true; };
__before() { __open=$(__listening); };
__before;
# It returns when the newest job listens at more ports than there were, and no more come; when it has ended, with its
# status; or after ten seconds, since not everything listens.
__ready() {
local job=$! now same=0 last=-1 i;
for ((i = 0; i < 100; i++)); do
kill -0 $job 2>/dev/null || { wait $job || return; break; };
now=$(__listening);
if ((now > __open && now == last)); then same=$((same + 1)); else same=0; fi;
last=$now;
if ((same >= 7)); then break; fi;
sleep 0.1;
done;
__before;
};
