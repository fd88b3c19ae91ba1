#compdef xeroauth
# zsh completion for xeroauth
#
# Nothing that was typed or offered is evaluated, and what stands behind a tab,
# names from outside, is only ever listed.
_xeroauth() {
	local head entry value tab=$'\t'
	local -i longest=0
	local -a typed lines values shown options
	((CURRENT > 2)) && typed=("${(@Q)words[2,CURRENT-1]}")
	lines=("${(@f)$(command xeroauth __offer words "${typed[@]}" "${(Q)PREFIX}." 2>/dev/null)}")
	head=$lines[1]
	lines=("${(@)lines[2,-1]:#}")
	for entry in "${lines[@]}"; do
		value=${entry%%$tab*}
		values+=("$value")
		((${#value} > longest)) && longest=${#value}
	done
	for entry in "${lines[@]}"; do
		value=${entry%%$tab*}
		if [[ $entry == *$tab* ]]; then
			options=(-l)
			shown+=("${(r:longest:)value}  -- ${entry#*$tab}")
		else
			shown+=("$value")
		fi
	done
	[[ $head == *nospace* ]] && options+=(-S '')
	if ((${#values})); then
		compadd "${options[@]}" -d shown -a values
	elif [[ $head == files* ]]; then
		_files
	fi
}

# As a file in $fpath this is the function's body; sourced, it registers itself.
if [[ ${funcstack[1]} == _xeroauth ]]; then
	_xeroauth "$@"
else
	compdef _xeroauth xeroauth
fi
