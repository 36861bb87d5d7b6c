# SPDX-License-Identifier: GPL-2.0
# Completion of memcgctl in bash: what may follow is asked of memcgctl itself.

_memcgctl() {
	local words=() word line value cut glue='' i
	# Put together what bash takes apart at = and :.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word =~ ^[=:]+$ && ${#words[@]} -gt 0 ]]; then
			words[-1]+=$word
			glue=1
		elif [[ $glue ]]; then
			words[-1]+=$word
			glue=''
		else
			words+=("$word")
		fi
	done
	word=${words[-1]-}
	# It puts in the place of the last part only what belongs there.
	cut=${word%"${word##*[=:]}"}
	COMPREPLY=()
	while IFS= read -r line; do
		value=${line%%$'\t'*}
		case $value in
		:files) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
		:dirs) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word") ;;
		*)
			[[ $value != *[=/:] ]] || compopt -o nospace
			printf -v value %q "${value#"$cut"}"
			COMPREPLY+=("$value")
			;;
		esac
	done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
}
complete -F _memcgctl memcgctl
