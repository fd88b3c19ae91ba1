# bash completion for xeroauth
#
# Nothing that was typed or offered is evaluated, and what stands behind a tab,
# names from outside, is only ever listed.
_xeroauth() {
	local tab=$'\t'
	local answer entry head='' longest=0 i
	COMPREPLY=()
	# $2 is what bash will replace: less than the word where = or : stand in it.
	answer=$(command xeroauth __offer line "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null) || return 0
	while IFS= read -r entry; do
		if [[ -z $head ]]; then
			head=$entry
		elif [[ -n $entry ]]; then
			COMPREPLY+=("$entry")
		fi
	done <<<"$answer"
	# bash 3 has no compopt: it completes files then.
	[[ $head == files* ]] || compopt +o default 2>/dev/null
	[[ $head != *nospace* ]] || compopt -o nospace 2>/dev/null
	((${#COMPREPLY[@]} > 0)) || return 0

	case ${COMP_TYPE-} in
	33 | 63 | 64) # a list to be looked at
		if ((${#COMPREPLY[@]} > 1)); then
			for entry in "${COMPREPLY[@]%%"$tab"*}"; do
				((${#entry} <= longest)) || longest=${#entry}
			done
			for i in "${!COMPREPLY[@]}"; do
				entry=${COMPREPLY[i]}
				[[ $entry != *"$tab"* ]] || printf -v "COMPREPLY[i]" '%-*s  (%s)' "$longest" "${entry%%"$tab"*}" "${entry#*"$tab"}"
			done
			return 0
		fi
		;;
	esac
	COMPREPLY=("${COMPREPLY[@]%%"$tab"*}")
}
complete -o default -F _xeroauth xeroauth
