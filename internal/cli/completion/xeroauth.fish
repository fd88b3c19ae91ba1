# fish completion for xeroauth
#
# Nothing that was typed or offered is evaluated, and what stands behind a tab,
# names from outside, is only ever listed.
function __xeroauth_offer
    set -l typed (commandline -opc)
    set -e typed[1]
    set -l last (commandline -ct)
    set -l word (string unescape -- $last)
    or set word (string replace -r '^["\']' '' -- $last) # a quote that is still open
    set -l lines (command xeroauth __offer words $typed "$word." 2>/dev/null)
    set -l head $lines[1]
    set -e lines[1]
    if test (count $lines) -gt 0
        printf '%s\n' $lines
    else if string match -q 'files*' -- $head
        __fish_complete_path $last
    end
end

complete -c xeroauth -e
complete -c xeroauth -f -a '(__xeroauth_offer)'
