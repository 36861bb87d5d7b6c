#compdef memcgctl
# SPDX-License-Identifier: GPL-2.0
# Completion of memcgctl in zsh: what may follow is asked of memcgctl itself.

_memcgctl() {
	local -a plain open plain_shown open_shown
	local line value help
	for line in "${(@f)$("${words[1]}" complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
		value=${line%%$'\t'*}
		help=${line#*$'\t'}
		case $value in
		'') ;;
		:files) _files ;;
		:dirs) _files -/ ;;
		*[=/:]) open+=("$value"); open_shown+=("$value  $help") ;;
		*) plain+=("$value"); plain_shown+=("$value  $help") ;;
		esac
	done
	(( ! $#plain )) || compadd -l -d plain_shown -a plain
	(( ! $#open )) || compadd -S '' -l -d open_shown -a open
}

_memcgctl "$@"
