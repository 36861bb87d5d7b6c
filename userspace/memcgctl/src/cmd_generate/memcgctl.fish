# SPDX-License-Identifier: GPL-2.0
# Completion of memcgctl in fish: what may follow is asked of memcgctl itself.

function __memcgctl
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :dirs
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c memcgctl -f -a '(__memcgctl)'
