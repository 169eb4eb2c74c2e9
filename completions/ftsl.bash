#!/bin/bash

__ftsl_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__ftsl_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__ftsl_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__ftsl_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_ftsl() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")

    local -a repeating_flags=()
    local -a non_repeating_flags=(--version -h --help)
    local -a repeating_options=()
    local -a non_repeating_options=()
    __ftsl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    listen|connect|send|tail|migrate|status|key|shell|selftest|explain|help)
        # Offer subcommand argument completions
        "_ftsl_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'listen connect send tail migrate status key shell selftest explain help' -- "${cur}"))
        ;;
    esac
}

_ftsl_listen() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(--keep-open -k --one --pty --lines --accept-migration --repeatable --fsync --public --insecure -q --quiet --version -h --help)
    repeating_options=()
    non_repeating_options=(--exec --checkpoint-timeout --checkpoint-buffer --forward --inbox --on-full --keep --max-message --name --service --unmovable --forward-migrate --tls-cert --tls-key --tls-ca --max-sessions --max-memory --buffer --parked-memory --max-tombstones --session-timeout --linger --heartbeat --ready-fd --status-fd --metrics --summary --log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--exec')
        return
        ;;
    '--checkpoint-timeout')
        return
        ;;
    '--checkpoint-buffer')
        return
        ;;
    '--forward')
        return
        ;;
    '--inbox')
        __ftsl_add_completions -f
        return
        ;;
    '--on-full')
        __ftsl_add_completions -W 'block'$'\n''fail'
        return
        ;;
    '--keep')
        return
        ;;
    '--max-message')
        return
        ;;
    '--name')
        return
        ;;
    '--service')
        return
        ;;
    '--unmovable')
        __ftsl_add_completions -W 'drain'$'\n''refuse'
        return
        ;;
    '--forward-migrate')
        __ftsl_add_completions -W 'drain'$'\n''reconnect'
        return
        ;;
    '--tls-cert')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-key')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-ca')
        __ftsl_add_completions -f
        return
        ;;
    '--max-sessions')
        return
        ;;
    '--max-memory')
        return
        ;;
    '--buffer')
        return
        ;;
    '--parked-memory')
        return
        ;;
    '--max-tombstones')
        return
        ;;
    '--session-timeout')
        return
        ;;
    '--linger')
        return
        ;;
    '--heartbeat')
        return
        ;;
    '--ready-fd')
        return
        ;;
    '--status-fd')
        return
        ;;
    '--metrics')
        return
        ;;
    '--summary')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion listen -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac
}

_ftsl_connect() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(--retry-first --exit-status --progress --no-progress -N --accept-new --insecure -q --quiet --version -h --help)
    repeating_options=(--peer)
    non_repeating_options=(--timeout --give-up-after --linger --local --size --limit-rate --interval --summary --status-fd --buffer --heartbeat --session-timeout --quit-after -w --idle-timeout --tls-cert --tls-key --tls-ca --log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--timeout')
        return
        ;;
    '--give-up-after')
        return
        ;;
    '--linger')
        return
        ;;
    '--local')
        return
        ;;
    '--size')
        return
        ;;
    '--limit-rate')
        return
        ;;
    '--interval')
        return
        ;;
    '--summary')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--status-fd')
        return
        ;;
    '--buffer')
        return
        ;;
    '--heartbeat')
        return
        ;;
    '--session-timeout')
        return
        ;;
    '--quit-after')
        return
        ;;
    '-w'|'--idle-timeout')
        return
        ;;
    '--tls-cert')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-key')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-ca')
        __ftsl_add_completions -f
        return
        ;;
    '--peer')
        return
        ;;
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion connect -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion connect -- positional@0 "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_ftsl_send() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(--lines -l -0 --null --flush --keep --print-id --json --accept-new --insecure -q --quiet --version -h --help)
    repeating_options=(-H --header --peer)
    non_repeating_options=(--frame --file -f --topic -t --ttl --id --id-from-json --delivery --wait --processed-by --timeout --outbox --wait-for --cancel --max-message --tls-cert --tls-key --tls-ca --log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 2

    # Offer option value completions
    case "${prev}" in
    '--frame')
        __ftsl_add_completions -W 'len32'$'\n''netstring'$'\n''json'
        return
        ;;
    '--file'|'-f')
        __ftsl_add_completions -f
        return
        ;;
    '--topic'|'-t')
        return
        ;;
    '-H'|'--header')
        return
        ;;
    '--ttl')
        return
        ;;
    '--id')
        return
        ;;
    '--id-from-json')
        return
        ;;
    '--delivery')
        __ftsl_add_completions -W 'exactly-once'$'\n''at-least-once'$'\n''at-most-once'
        return
        ;;
    '--wait')
        __ftsl_add_completions -W 'stored'$'\n''accepted'$'\n''processed'
        return
        ;;
    '--processed-by')
        return
        ;;
    '--timeout')
        return
        ;;
    '--outbox')
        __ftsl_add_completions -f
        return
        ;;
    '--wait-for')
        return
        ;;
    '--cancel')
        return
        ;;
    '--max-message')
        return
        ;;
    '--tls-cert')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-key')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-ca')
        __ftsl_add_completions -f
        return
        ;;
    '--peer')
        return
        ;;
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion send -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion send -- positional@0 "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_ftsl_tail() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(-e --exit-at-end -0 --null --json --dead --accept-new --insecure -q --quiet --version -h --help)
    repeating_options=(--topic -t --peer)
    non_repeating_options=(-n --last --from --cursor --group --count -c -W --timeout --format --exec --parallel --exec-timeout --max-attempts --ack-fd --return --tls-cert --tls-key --tls-ca --log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '-n'|'--last')
        return
        ;;
    '--from')
        return
        ;;
    '--cursor')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion tail -- --cursor "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--group')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion tail -- --group "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--count'|'-c')
        return
        ;;
    '-W'|'--timeout')
        return
        ;;
    '--topic'|'-t')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion tail -- --topic "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--format')
        return
        ;;
    '--exec')
        return
        ;;
    '--parallel')
        return
        ;;
    '--exec-timeout')
        return
        ;;
    '--max-attempts')
        return
        ;;
    '--ack-fd')
        return
        ;;
    '--return')
        return
        ;;
    '--tls-cert')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-key')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-ca')
        __ftsl_add_completions -f
        return
        ;;
    '--peer')
        return
        ;;
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion tail -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion tail -- positional@0 "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_ftsl_migrate() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(--plan --json --status --abort --even-if-alive --restart --accept-new -q --quiet --version -h --help)
    repeating_options=(--peer)
    non_repeating_options=(--max-pause --spread --linger --resolve --tls-cert --tls-key --tls-ca --log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 2

    # Offer option value completions
    case "${prev}" in
    '--max-pause')
        return
        ;;
    '--spread')
        return
        ;;
    '--linger')
        return
        ;;
    '--resolve')
        __ftsl_add_completions -W 'activate'$'\n''discard'
        return
        ;;
    '--tls-cert')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-key')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-ca')
        __ftsl_add_completions -f
        return
        ;;
    '--peer')
        return
        ;;
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion migrate -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion migrate -- positional@0 "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    2)
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion migrate -- positional@1 "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_ftsl_status() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(--json --watch --settings --accept-new -q --quiet --version -h --help)
    repeating_options=(--peer)
    non_repeating_options=(--outbox --inbox --kill --expire --retire --drop-cursor --tls-cert --tls-key --tls-ca --log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--outbox')
        __ftsl_add_completions -f
        return
        ;;
    '--inbox')
        return
        ;;
    '--kill')
        return
        ;;
    '--expire')
        return
        ;;
    '--retire')
        return
        ;;
    '--drop-cursor')
        return
        ;;
    '--tls-cert')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-key')
        __ftsl_add_completions -f
        return
        ;;
    '--tls-ca')
        __ftsl_add_completions -f
        return
        ;;
    '--peer')
        return
        ;;
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion status -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion status -- positional@0 "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_ftsl_key() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __ftsl_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    show|trust|list|revoke)
        # Offer subcommand argument completions
        "_ftsl_key_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'show trust list revoke' -- "${cur}"))
        ;;
    esac
}

_ftsl_key_show() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(--art --json -q --quiet --version -h --help)
    repeating_options=()
    non_repeating_options=(--log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion key show -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac
}

_ftsl_key_trust() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(-q --quiet --version -h --help)
    repeating_options=()
    non_repeating_options=(--as --name --allow --expires --log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--as')
        __ftsl_add_completions -W 'client'$'\n''server'
        return
        ;;
    '--name')
        return
        ;;
    '--allow')
        return
        ;;
    '--expires')
        return
        ;;
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion key trust -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac
}

_ftsl_key_list() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(--json -q --quiet --version -h --help)
    repeating_options=()
    non_repeating_options=(--log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion key list -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac
}

_ftsl_key_revoke() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(-q --quiet --version -h --help)
    repeating_options=()
    non_repeating_options=(--log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion key revoke -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac
}

_ftsl_shell() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(-q --quiet --version -h --help)
    repeating_options=()
    non_repeating_options=(--command -c --log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--command'|'-c')
        return
        ;;
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion shell -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac
}

_ftsl_selftest() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(--json -q --quiet --version -h --help)
    repeating_options=()
    non_repeating_options=(--sabotage --log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--sabotage')
        __ftsl_add_completions -W 'flip'$'\n''lose'$'\n''double'
        return
        ;;
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion selftest -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac
}

_ftsl_explain() {
    repeating_flags=(--verbose -v)
    non_repeating_flags=(--json -q --quiet --version -h --help)
    repeating_options=()
    non_repeating_options=(--log-format --color --context --drain-timeout)
    __ftsl_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--log-format')
        __ftsl_add_completions -W 'text'$'\n''json'
        return
        ;;
    '--color')
        __ftsl_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    '--context')
        __ftsl_add_completions -W "$(__ftsl_custom_complete ---completion explain -- --context "${COMP_CWORD}" "$(__ftsl_cursor_index_in_current_word)")"
        return
        ;;
    '--drain-timeout')
        return
        ;;
    esac
}

_ftsl_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __ftsl_offer_flags_options -1
}

complete -o filenames -F _ftsl ftsl
