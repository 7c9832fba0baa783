# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for netd(1)

_netd_networks() {
	netd network ls 2>/dev/null | awk 'NR > 1 { print $1 }'
	echo default
}

_netd_ids() {
	netd ls 2>/dev/null | awk 'NR > 1 { print $2 }' | sort -u
}

_netd_interfaces() {
	netd ls 2>/dev/null | awk 'NR > 1 { print $3 }' | sort -u
}

# Words of the command line that are no options nor options' arguments, after the command.
_netd_operands() {
	local i n=0
	for ((i = $1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--netns | --pid | --network | --ifname | --publish | -p | --ip | --mac | --name | \
			--subnet | --gateway | --ip-range | --mtu | --bridge) ((i++)) ;;
		-*) ;;
		*) ((n++)) ;;
		esac
	done
	echo "$n"
}

# The command that "netd run" runs, once it is on the line, is completed by its own rules.
_netd_run_command() {
	local i
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--network | --publish | -p | --ip | --name) ((i++)) ;;
		--)
			((i++))
			break
			;;
		-*) ;;
		*) break ;;
		esac
	done
	if ((i < COMP_CWORD)) && declare -F _command_offset >/dev/null; then
		_command_offset "$i"
		return
	fi
	mapfile -t COMPREPLY < <(compgen -c -- "$1")
}

_netd() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]-} options='' words='' first=2
	COMPREPLY=()

	if ((COMP_CWORD == 1)); then
		words='run attach detach ls inspect port network explain version help --help --version'
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		return
	fi
	case $command in
	run) options='--publish --network --name --ip --verbose' ;;
	attach) options='--netns --pid --network --ifname --publish --ip --mac --dry-run --json' ;;
	detach | inspect | explain) options='--network --ifname --json' ;;
	ls) options='--network --json' ;;
	port | version) options='--json' ;;
	help) words='run attach detach ls inspect port network explain version' ;;
	network)
		if ((COMP_CWORD == 2)); then
			mapfile -t COMPREPLY < <(compgen -W 'create ls inspect rm prune' -- "$cur")
			return
		fi
		command="network ${COMP_WORDS[2]}" first=3 options='--json'
		if [[ $command == 'network create' ]]; then
			options='--subnet --gateway --ip-range --ipv6 --internal --isolated --routed'
			options+=' --mtu --bridge --json'
		fi
		;;
	esac

	case $prev in
	--network) words=$(_netd_networks) ;;
	--ifname) words="eth0 $(_netd_interfaces)" ;;
	--netns)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--pid)
		mapfile -t COMPREPLY < <(cd /proc && compgen -G '[0-9]*' | grep "^$cur")
		return
		;;
	-p | --publish | --ip | --mac | --name | --subnet | --gateway | --ip-range | --mtu | --bridge)
		return
		;;
	*)
		if [[ $cur == -* ]]; then
			words="$options --help"
		else
			case $command in
			run)
				_netd_run_command "$cur"
				return
				;;
			detach | inspect | port | explain)
				[[ $(_netd_operands "$first") == 0 ]] && words=$(_netd_ids)
				;;
			'network inspect' | 'network rm')
				[[ $(_netd_operands "$first") == 0 ]] && words=$(_netd_networks)
				;;
			esac
		fi
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _netd netd
