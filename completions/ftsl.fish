function __ftsl_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __ftsl_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __ftsl_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __ftsl_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __ftsl_parse_tokens -S
    set -l unparsed_tokens (__ftsl_tokens -pc)
    switch $unparsed_tokens[1]
    case 'ftsl'
        __ftsl_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'listen'
            __ftsl_parse_subcommand 1 'k/keep-open' 'one' 'exec=' 'pty' 'lines' 'checkpoint-timeout=' 'checkpoint-buffer=' 'forward=' 'inbox=' 'on-full=' 'keep=' 'max-message=' 'name=' 'service=' 'accept-migration' 'unmovable=' 'forward-migrate=' 'repeatable' 'fsync' 'tls-cert=' 'tls-key=' 'tls-ca=' 'public' 'insecure' 'max-sessions=' 'max-memory=' 'buffer=' 'parked-memory=' 'max-tombstones=' 'session-timeout=' 'linger=' 'heartbeat=' 'ready-fd=' 'status-fd=' 'metrics=' 'summary=' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
        case 'connect'
            __ftsl_parse_subcommand 1 'timeout=' 'retry-first' 'give-up-after=' 'linger=' 'local=' 'exit-status' 'progress' 'no-progress' 'size=' 'limit-rate=' 'interval=' 'summary=' 'status-fd=' 'buffer=' 'heartbeat=' 'session-timeout=' 'N' 'quit-after=' 'w/idle-timeout=' 'tls-cert=' 'tls-key=' 'tls-ca=' 'peer=+' 'accept-new' 'insecure' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
        case 'send'
            __ftsl_parse_subcommand 2 'l/lines' '0/null' 'frame=' 'f/file=' 't/topic=' 'H/header=+' 'ttl=' 'id=' 'id-from-json=' 'delivery=' 'wait=' 'processed-by=' 'timeout=' 'outbox=' 'flush' 'keep' 'print-id' 'wait-for=' 'cancel=' 'json' 'max-message=' 'tls-cert=' 'tls-key=' 'tls-ca=' 'peer=+' 'accept-new' 'insecure' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
        case 'tail'
            __ftsl_parse_subcommand 1 'n/last=' 'from=' 'cursor=' 'group=' 'e/exit-at-end' 'c/count=' 'W/timeout=' 't/topic=+' '0/null' 'json' 'format=' 'exec=' 'parallel=' 'exec-timeout=' 'max-attempts=' 'ack-fd=' 'dead' 'return=' 'tls-cert=' 'tls-key=' 'tls-ca=' 'peer=+' 'accept-new' 'insecure' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
        case 'migrate'
            __ftsl_parse_subcommand 2 'plan' 'max-pause=' 'spread=' 'linger=' 'json' 'status' 'abort' 'resolve=' 'even-if-alive' 'restart' 'tls-cert=' 'tls-key=' 'tls-ca=' 'peer=+' 'accept-new' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
        case 'status'
            __ftsl_parse_subcommand 1 'outbox=' 'inbox=' 'json' 'watch' 'kill=' 'expire=' 'retire=' 'drop-cursor=' 'settings' 'tls-cert=' 'tls-key=' 'tls-ca=' 'peer=+' 'accept-new' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
        case 'key'
            __ftsl_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'show'
                __ftsl_parse_subcommand 0 'art' 'json' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
            case 'trust'
                __ftsl_parse_subcommand 1 'as=' 'name=' 'allow=' 'expires=' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
            case 'list'
                __ftsl_parse_subcommand 0 'json' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
            case 'revoke'
                __ftsl_parse_subcommand 1 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
            end
        case 'shell'
            __ftsl_parse_subcommand 0 'c/command=' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
        case 'selftest'
            __ftsl_parse_subcommand 0 'json' 'sabotage=' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
        case 'explain'
            __ftsl_parse_subcommand 1 'json' 'q/quiet' 'v/verbose' 'log-format=' 'color=' 'context=' 'drain-timeout=' 'version' 'h/help'
        case 'help'
            __ftsl_parse_subcommand -r 1 'version'
        end
    end
end

function __ftsl_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __ftsl_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __ftsl_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __ftsl_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__ftsl_tokens -p)
    if test -z "$(__ftsl_tokens -t)"
        set -l index (count (__ftsl_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'ftsl' -f
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'listen' -d 'Accept sessions: pipe, command, forward.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'connect' -d 'A full-duplex pipe that survives.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'send' -d 'One-way messages with a delivery guarantee.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'tail' -d 'Follow an inbox.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'migrate' -d 'Move a running listener to another host, or upgrade it in place.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'status' -d 'Listeners, sessions, inboxes, outboxes, messages, settings.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'key' -d 'This user\'s identity, and whom it believes.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'shell' -d 'A shell over many sessions.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'selftest' -d 'Prove the promises on this machine, with faults, in under a minute.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'explain' -d 'What an error or exit status means and what to do.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" k keep-open' -l 'keep-open' -s 'k' -d 'Serve one session after the other until stopped.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" one' -l 'one' -d 'Refuse a second client instead of letting it wait.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" exec' -l 'exec' -d 'Run this command per session by /bin/sh -c.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" pty' -l 'pty' -d 'Give the command of --exec a terminal.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" lines' -l 'lines' -d 'Give the command of --exec whole lines only.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" checkpoint-timeout' -l 'checkpoint-timeout' -d 'How long the command of --exec may take for a checkpoint (default: 5s).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" checkpoint-buffer' -l 'checkpoint-buffer' -d 'Bytes it may write meanwhile beyond the session\'s room (default: 16M).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" forward' -l 'forward' -d 'One plain TCP or Unix connection per session.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" inbox' -l 'inbox' -d 'Accept messages into this inbox, a file that is made if there is none.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" on-full' -l 'on-full' -d 'When the inbox has no room: let senders wait, or reject messages.' -rfka 'block fail'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" keep' -l 'keep' -d 'Keep messages that every cursor has passed: an age (7d), a size (10G), a count, or several, comma-separated (default: for ever).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" max-message' -l 'max-message' -d 'Larger messages are rejected.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" name' -l 'name' -d 'Name of the control socket, for status and migrate (default: the port).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" service' -l 'service' -d 'Label under which source and target of a migration match.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" accept-migration' -l 'accept-migration' -d 'Let trusted peers migrate their sessions and inbox into this listener.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" unmovable' -l 'unmovable' -d 'In a migration, sessions that cannot move end here, or nothing moves.' -rfka 'drain refuse'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" forward-migrate' -l 'forward-migrate' -d 'In a migration, sessions of --forward end here, or move and get a new connection.' -rfka 'drain reconnect'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" repeatable' -l 'repeatable' -d 'Running the service twice for one client does no harm.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" fsync' -l 'fsync' -d 'Acknowledge output to a file only when it is on disk.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" tls-cert' -l 'tls-cert' -d 'Certificate chain of this end, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" tls-key' -l 'tls-key' -d 'Private key of --tls-cert, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" tls-ca' -l 'tls-ca' -d 'Accept certificates under these authorities, PEM, instead of known keys.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" public' -l 'public' -d 'Listen beyond loopback: TLS, for trusted keys or certificates under --tls-ca.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" insecure' -l 'insecure' -d 'Accept plaintext from everybody who can connect.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" max-sessions' -l 'max-sessions' -d 'Sessions at a time, at most.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" max-memory' -l 'max-memory' -d 'Bytes held for all sessions, at most.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" buffer' -l 'buffer' -d 'Bytes held for one session, at most, each way.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" parked-memory' -l 'parked-memory' -d 'Bytes held for sessions without a connection (default: half of --max-memory).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" max-tombstones' -l 'max-tombstones' -d 'Ended sessions to remember, at most.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" session-timeout' -l 'session-timeout' -d 'How long a session lives without a connection (default: 24h; 1h with --exec, unless with --pty).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" linger' -l 'linger' -d 'How long to stay for the peer\'s last word.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" heartbeat' -l 'heartbeat' -d 'Longest silence on an idle connection.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" ready-fd' -l 'ready-fd' -d 'Write the bound endpoint and a newline to this descriptor once ready.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" status-fd' -l 'status-fd' -d 'Write JSON lines about the session and refused connections to this descriptor.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" metrics' -l 'metrics' -d 'Serve numbers for Prometheus at /metrics, and /healthz; beyond loopback only with --public.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" summary' -l 'summary' -d 'One final object on stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion listen -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl listen" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl connect" -eq 1' -fka '(__ftsl_custom_completion ---completion connect -- positional@0 (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" timeout' -l 'timeout' -d 'Time to connect the first time (default: fail at once on refusal, 10 s on silence).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" retry-first' -l 'retry-first' -d 'Keep trying when the first connection fails.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" give-up-after' -l 'give-up-after' -d 'How long without a connection before giving up (default: the session time-out).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" linger' -l 'linger' -d 'How long to stay for the peer\'s last word.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" local' -l 'local' -d 'Accept plain connections here, one session each.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" exit-status' -l 'exit-status' -d 'Pass on the remote command\'s exit status; 255 stands for every failure of ours.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" progress' -l 'progress' -d 'Show a meter on stderr (default: on a terminal).'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" no-progress' -l 'no-progress' -d 'Show a meter on stderr (default: on a terminal).'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" size' -l 'size' -d 'Expected bytes, for the meter.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" limit-rate' -l 'limit-rate' -d 'Read stdin no faster, in bytes a second.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" interval' -l 'interval' -d 'How often the meter is drawn.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" summary' -l 'summary' -d 'One final object on stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" status-fd' -l 'status-fd' -d 'Write JSON lines about the session to this descriptor.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" buffer' -l 'buffer' -d 'Bytes held for the peer, at most, each way.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" heartbeat' -l 'heartbeat' -d 'Longest silence on an idle connection.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" session-timeout' -l 'session-timeout' -d 'How long a session lives without a connection; the listener may allow less.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" N' -s 'N' -d 'Accepted as in nc: end of input is always sent on.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" quit-after' -l 'quit-after' -d 'As nc -q: this many seconds after end of input, stop reading and end.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" idle-timeout w' -s 'w' -l 'idle-timeout' -d 'As nc -w: limit for connecting, and for a session without traffic.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" tls-cert' -l 'tls-cert' -d 'Certificate chain of this end, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" tls-key' -l 'tls-key' -d 'Private key of --tls-cert, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" tls-ca' -l 'tls-ca' -d 'Accept certificates under these authorities, PEM, instead of known keys.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect"' -l 'peer' -d 'Speak TLS, and only to the holder of this key; may be given several times.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" accept-new' -l 'accept-new' -d 'Speak TLS, and remember the key of a listener met for the first time.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" insecure' -l 'insecure' -d 'Speak plaintext beyond loopback too.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion connect -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl connect" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl send" -eq 1' -fka '(__ftsl_custom_completion ---completion send -- positional@0 (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" l lines' -l 'lines' -s 'l' -d 'Each line of stdin is a message.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" 0 null' -s '0' -l 'null' -d 'Messages on stdin end with NUL.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" frame' -l 'frame' -d 'How messages are framed on stdin: 4-byte sizes, netstrings, JSON objects.' -rfka 'len32 netstring json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" f file' -l 'file' -s 'f' -d 'This file is the message.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" t topic' -l 'topic' -s 't' -d 'Topic; levels end at \'.\' or \'/\'.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send"' -s 'H' -l 'header' -d 'A header; may be given several times.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" ttl' -l 'ttl' -d 'Do not deliver it later than this (default: for ever).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" id' -l 'id' -d 'Name of the message: under one id only one message is ever stored.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" id-from-json' -l 'id-from-json' -d 'Messages are JSON objects, and this member is their id.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" delivery' -l 'delivery' -d 'The guarantee.' -rfka 'exactly-once at-least-once at-most-once'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" wait' -l 'wait' -d 'How far the messages must be before this ends.' -rfka 'stored accepted processed'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" processed-by' -l 'processed-by' -d 'With --wait processed: by this cursor (default: by every durable one).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" timeout' -l 'timeout' -d 'Do not wait longer; what is in the outbox stays there.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" outbox' -l 'outbox' -d 'Where messages wait (default: $XDG_STATE_HOME/ftsl/outbox.db).' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" flush' -l 'flush' -d 'Deliver what is in the outbox, for this endpoint or for all.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" keep' -l 'keep' -d 'With --flush: go on delivering what others put there.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" print-id' -l 'print-id' -d 'Print the id of each message on stdout.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" wait-for' -l 'wait-for' -d 'Wait for a message that was sent before.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" cancel' -l 'cancel' -d 'Do not send a message that still waits in the outbox.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" json' -l 'json' -d 'Print what became of each message on stdout, an object a line.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" max-message' -l 'max-message' -d 'Larger messages are bad input.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" tls-cert' -l 'tls-cert' -d 'Certificate chain of this end, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" tls-key' -l 'tls-key' -d 'Private key of --tls-cert, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" tls-ca' -l 'tls-ca' -d 'Accept certificates under these authorities, PEM, instead of known keys.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send"' -l 'peer' -d 'Speak TLS, and only to the holder of this key; may be given several times.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" accept-new' -l 'accept-new' -d 'Speak TLS, and remember the key of a listener met for the first time.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" insecure' -l 'insecure' -d 'Speak plaintext beyond loopback too.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion send -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl send" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl tail" -eq 1' -fka '(__ftsl_custom_completion ---completion tail -- positional@0 (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" last n' -s 'n' -l 'last' -d 'Begin with the last n messages.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" from' -l 'from' -d 'Where to begin: beginning, end, an index, -n (the last n), an age such as 10m, or a time (default: end).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" cursor' -l 'cursor' -d 'Go on where this cursor is; what is finished is never seen again.' -rfka '(__ftsl_custom_completion ---completion tail -- --cursor (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" group' -l 'group' -d 'As --cursor, and share the messages with the other members.' -rfka '(__ftsl_custom_completion ---completion tail -- --group (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" e exit-at-end' -s 'e' -l 'exit-at-end' -d 'End when there is nothing more.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" c count' -l 'count' -s 'c' -d 'End after n messages.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" W timeout' -s 'W' -l 'timeout' -d 'End after this time, with 124 if fewer than --count came.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail"' -l 'topic' -s 't' -d 'Only topics like this: \'*\' is one level, \'#\' the rest; may be given several times.' -rfka '(__ftsl_custom_completion ---completion tail -- --topic (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" 0 null' -s '0' -l 'null' -d 'End messages with NUL instead of a newline.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" json' -l 'json' -d 'Print a JSON object a line.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" format' -l 'format' -d 'Print this for each message; see ftsl-tail(1).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" exec' -l 'exec' -d 'Run this command for each message by /bin/sh -c, with the body on stdin.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" parallel' -l 'parallel' -d 'Commands of --exec at a time, at most.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" exec-timeout' -l 'exec-timeout' -d 'A command that runs longer has failed.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" max-attempts' -l 'max-attempts' -d 'A message that failed so often is a dead letter.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" ack-fd' -l 'ack-fd' -d 'Indexes of finished messages come from this descriptor, a line each.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" dead' -l 'dead' -d 'List the dead letters of the cursor.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" return' -l 'return' -d 'Put a dead letter of the cursor back.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" tls-cert' -l 'tls-cert' -d 'Certificate chain of this end, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" tls-key' -l 'tls-key' -d 'Private key of --tls-cert, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" tls-ca' -l 'tls-ca' -d 'Accept certificates under these authorities, PEM, instead of known keys.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail"' -l 'peer' -d 'Speak TLS, and only to the holder of this key; may be given several times.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" accept-new' -l 'accept-new' -d 'Speak TLS, and remember the key of a listener met for the first time.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" insecure' -l 'insecure' -d 'Speak plaintext beyond loopback too.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion tail -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl tail" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl migrate" -eq 1' -fka '(__ftsl_custom_completion ---completion migrate -- positional@0 (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl migrate" -eq 2' -fka '(__ftsl_custom_completion ---completion migrate -- positional@1 (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" plan' -l 'plan' -d 'Print what would move, how long the pause should be, and every obstacle.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" max-pause' -l 'max-pause' -d 'Roll back rather than keep anybody waiting for longer.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" spread' -l 'spread' -d 'Spread the clients\' arrival at the target over this time.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" linger' -l 'linger' -d 'How long the source stays to send late clients on.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" json' -l 'json' -d 'Print JSON objects, one a line.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" status' -l 'status' -d 'Print where a migration stands.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" abort' -l 'abort' -d 'Roll back the migration that is going on.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" resolve' -l 'resolve' -d 'At a target whose source is dead for good: start what was prepared, or drop it.' -rfka 'activate discard'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" even-if-alive' -l 'even-if-alive' -d 'With --resolve: also when the source answers that nothing is decided.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" restart' -l 'restart' -d 'Go on as the same or another program under the same pid; nothing is lost.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" tls-cert' -l 'tls-cert' -d 'Certificate chain of this end, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" tls-key' -l 'tls-key' -d 'Private key of --tls-cert, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" tls-ca' -l 'tls-ca' -d 'Accept certificates under these authorities, PEM, instead of known keys.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate"' -l 'peer' -d 'Speak TLS, and only to the holder of this key; may be given several times.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" accept-new' -l 'accept-new' -d 'Speak TLS, and remember the key of a listener met for the first time.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion migrate -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl migrate" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl status" -eq 1' -fka '(__ftsl_custom_completion ---completion status -- positional@0 (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" outbox' -l 'outbox' -d 'Outbox in which ids are looked up (default: $XDG_STATE_HOME/ftsl/outbox.db).' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" inbox' -l 'inbox' -d 'Inbox in which ids are looked up too, by its path or its listener (default: where the message went, should a listener of this user have that inbox).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" json' -l 'json' -d 'Print JSON objects, one a line.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" watch' -l 'watch' -d 'Print again whenever something has changed.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" kill' -l 'kill' -d 'Of a listener: end this session; its client is told. The beginning of an id will do.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" expire' -l 'expire' -d 'Of a listener: forget this session without a connection, as if its time had run out.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" retire' -l 'retire' -d 'Of an inbox: forget a producer; of an outbox: begin anew with a destination.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" drop-cursor' -l 'drop-cursor' -d 'Of an inbox: remove a cursor.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" settings' -l 'settings' -d 'Print every setting of every command, and where it comes from.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" tls-cert' -l 'tls-cert' -d 'Certificate chain of this end, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" tls-key' -l 'tls-key' -d 'Private key of --tls-cert, PEM.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" tls-ca' -l 'tls-ca' -d 'Accept certificates under these authorities, PEM, instead of known keys.' -rF
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status"' -l 'peer' -d 'Speak TLS, and only to the holder of this key; may be given several times.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" accept-new' -l 'accept-new' -d 'Speak TLS, and remember the key of a listener met for the first time.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion status -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl status" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl key" -eq 1' -fa 'show' -d 'Print the fingerprint of this user\'s key; made at first use.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl key" -eq 1' -fa 'trust' -d 'Believe a key: let it come here, or know it as a server\'s.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl key" -eq 1' -fa 'list' -d 'Show the clients that may come and the servers that are known.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_positional "ftsl key" -eq 1' -fa 'revoke' -d 'No longer believe a key, as a client\'s or a server\'s.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show" art' -l 'art' -d 'Draw the key as a picture, for comparing two screens.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show" json' -l 'json' -d 'As a JSON object.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion key show -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" as' -l 'as' -d 'Whose key it is.' -rfka 'client server'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" name' -l 'name' -d 'A name for people; of a server: its endpoint (default: any).' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" allow' -l 'allow' -d 'What a client may do: stream, inbox[=GLOB], consume[=GLOB], migrate, control.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" expires' -l 'expires' -d 'Until when a client may come: a date (2027-01-31) or a time with zone.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion key trust -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key trust" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key list" json' -l 'json' -d 'As JSON objects, one a line.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key list" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key list"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key list" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key list" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key list" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion key list -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key list" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key list" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key revoke" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key revoke"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key revoke" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key revoke" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key revoke" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion key revoke -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key revoke" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key revoke" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl key revoke" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl shell" c command' -l 'command' -s 'c' -d 'Run this instead of what stdin says.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl shell" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl shell"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl shell" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl shell" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl shell" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion shell -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl shell" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl shell" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl shell" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest" json' -l 'json' -d 'Print JSON, one object a line.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest" sabotage' -l 'sabotage' -d 'Spoil something on purpose, to see that it is noticed: turn a bit around, lose a message, send one twice.' -rfka 'flip lose double'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion selftest -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl selftest" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl explain" json' -l 'json' -d 'Print JSON, one object a line.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl explain" q quiet' -s 'q' -l 'quiet' -d 'Say nothing but errors.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl explain"' -l 'verbose' -s 'v' -d 'Say more; twice: everything.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl explain" log-format' -l 'log-format' -d 'How to write what goes to stderr.' -rfka 'text json'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl explain" color' -l 'color' -d 'Colour on stderr.' -rfka 'auto always never'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl explain" context' -l 'context' -d 'Take defaults from this context of config.json.' -rfka '(__ftsl_custom_completion ---completion explain -- --context (count (__ftsl_tokens -pc)) (__ftsl_tokens -tC))'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl explain" drain-timeout' -l 'drain-timeout' -d 'After SIGINT or SIGTERM, how long what is in flight may take.' -rfka ''
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl explain" version' -l 'version' -d 'Show the version.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl explain" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'ftsl' -n '__ftsl_should_offer_completions_for_flags_or_options "ftsl help" version' -l 'version' -d 'Show the version.'
