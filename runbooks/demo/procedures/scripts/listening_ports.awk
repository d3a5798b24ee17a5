# Which ports this machine listens on, against a list of those that may be open. Reads /proc only.

BEGIN {
    red = "\033[31m"; green = "\033[32m"; yellow = "\033[33m"; dim = "\033[2m"; reset = "\033[0m"
    loopback_is_fine = ENVIRON["OPSAAS_PARAM_LOOPBACK_IS_FINE"] == "true"
    summary = "OPSAAS_SUMMARY_FILE" in ENVIRON ? ENVIRON["OPSAAS_SUMMARY_FILE"] : "/dev/null"
    outputs = "OPSAAS_OUTPUT_FILE" in ENVIRON ? ENVIRON["OPSAAS_OUTPUT_FILE"] : "/dev/null"
    read_allowed(ENVIRON["OPSAAS_PARAM_ALLOWED"])
    read_owners()
    tables = read_listeners("tcp", "0A") + read_listeners("tcp6", "0A")
    if (ENVIRON["OPSAAS_PARAM_INCLUDE_UDP"] == "true")
        tables += read_listeners("udp", "07") + read_listeners("udp6", "07")
    if (tables == 0)
        could_not_tell("/proc/net/tcp cannot be read: this machine does not show its sockets.")
    sort_listeners()
    exit report()
}

function could_not_tell(sentence) {
    print "::error::" sentence
    print "**Could not tell:** " sentence > summary
    exit 2
}

# Each line: a port or a range, "/udp" after it if so; then anything: "22 ssh", "60000-61000/udp mosh", "# a comment".
function read_allowed(text,    lines, count, n, words, parts, ends, port, protocol) {
    count = split(text, lines, /\n/)
    for (n = 1; n <= count; n++) {
        sub(/\r$/, "", lines[n]); sub(/#.*/, "", lines[n])
        if (split(lines[n], words, " ") == 0)
            continue
        protocol = split(words[1], parts, "/") > 1 ? tolower(parts[2]) : "tcp"
        if (parts[1] !~ /^[0-9]+(-[0-9]+)?$/ || (protocol != "tcp" && protocol != "udp"))
            could_not_tell("Line " n " of the allow-list is not a port such as 22, 8000-8010 or 53/udp.")
        if (split(parts[1], ends, "-") == 1)
            ends[2] = ends[1]
        if (ends[1] + 0 > ends[2] + 0 || ends[2] + 0 > 65535)
            could_not_tell("Line " n " of the allow-list is not a range of ports between 0 and 65535.")
        for (port = ends[1] + 0; port <= ends[2] + 0; port++)
            allowed[protocol, port] = 1
    }
}

# Which process holds which socket. Without root, only one's own processes can be seen.
function read_owners(    command, line, process, inode) {
    command = "ls -l /proc/[0-9]*/fd 2>/dev/null"
    while ((command | getline line) > 0) {
        if (match(line, /^\/proc\/[0-9]+/))
            process = substr(line, 7, RLENGTH - 6)
        else if (match(line, /socket:\[[0-9]+\]$/)) {
            inode = substr(line, RSTART + 8, RLENGTH - 9)
            if (!(inode in owner))
                owner[inode] = process
        }
    }
    close(command)
}

function process_name(process,    file, name) {
    file = "/proc/" process "/comm"
    if ((getline name < file) <= 0)
        name = "?"
    close(file)
    gsub(/[^ -~]/, "?", name)
    return name
}

function read_listeners(table, state,    file, line, words, parts, address, protocol, who, key, found) {
    file = "/proc/net/" table
    protocol = substr(table, 1, 3)
    while ((getline line < file) > 0) {
        found = 1
        if (split(line, words, " ") < 10 || words[4] != state)
            continue
        split(words[2], parts, ":")
        address = length(parts[1]) == 8 ? ipv4(parts[1]) : ipv6(parts[1])
        who = words[10] in owner ? process_name(owner[words[10]]) " (" owner[words[10]] ")" : "not visible"
        key = protocol SUBSEP hex(parts[2]) SUBSEP address
        if (!(key in holder)) {
            listeners[++total] = key
            holder[key] = who
            user[key] = words[8]
        }
    }
    close(file)
    return found + 0
}

function hex(digits,    value, n) {
    for (n = 1; n <= length(digits); n++)
        value = value * 16 + index("0123456789ABCDEF", toupper(substr(digits, n, 1))) - 1
    return value + 0
}

# The kernel prints each 32-bit word in the machine's own order; all that we meet are little-endian.
function ipv4(digits) {
    return hex(substr(digits, 7, 2)) "." hex(substr(digits, 5, 2)) "." hex(substr(digits, 3, 2)) "." hex(substr(digits, 1, 2))
}

function ipv6(digits,    word, n, text, all) {
    for (word = 0; word < 4; word++)
        for (n = 3; n >= 0; n--)
            all = all substr(digits, word * 8 + n * 2 + 1, 2)
    if (all ~ /^00000000000000000000FFFF/)
        return "::ffff:" hex(substr(all, 25, 2)) "." hex(substr(all, 27, 2)) "." hex(substr(all, 29, 2)) "." hex(substr(all, 31, 2))
    if (all ~ /^0+$/)
        return "::"
    if (all ~ /^0+1$/)
        return "::1"
    for (n = 0; n < 8; n++)
        text = text (n ? ":" : "") sprintf("%x", hex(substr(all, n * 4 + 1, 4)))
    return text
}

function sort_listeners(    n, at, key) {
    for (n = 2; n <= total; n++) {
        key = listeners[n]
        for (at = n; at > 1 && port_of(listeners[at - 1]) > port_of(key); at--)
            listeners[at] = listeners[at - 1]
        listeners[at] = key
    }
}

function port_of(key,    parts) {
    split(key, parts, SUBSEP)
    return parts[2] + 0
}

function report(    n, parts, verdict, colour, rows, unexpected, names) {
    printf "%-12s %-6s %-26s %-8s %s\n", "verdict", "port", "address", "user id", "process"
    for (n = 1; n <= total; n++) {
        split(listeners[n], parts, SUBSEP)
        if ((parts[1], parts[2] + 0) in allowed) {
            verdict = "allowed"; colour = green
        } else if (loopback_is_fine && parts[3] ~ /^(127\.|::1$|::ffff:127\.)/) {
            verdict = "local only"; colour = dim
        } else {
            verdict = "NOT ALLOWED"; colour = red
            unexpected++
            names = names (names ? ", " : "") parts[2] "/" parts[1]
        }
        printf "%s%-12s%s %-6s %-26s %-8s %s\n", colour, verdict, reset, parts[2] "/" parts[1], parts[3], \
            user[listeners[n]], holder[listeners[n]]
        rows = rows "| " verdict " | " parts[2] "/" parts[1] " | " parts[3] " | `" shown(holder[listeners[n]]) "` |\n"
        if (holder[listeners[n]] == "not visible")
            hidden++
    }
    if (total == 0)
        print "Nothing listens on this machine."
    if (hidden)
        print "::notice::The processes behind " hidden " of " total " cannot be seen by this user: run as root to see all."
    if (unexpected)
        print "::error::" unexpected " listening where the allow-list has nothing: " names
    else
        print green "Everything that listens is on the allow-list." reset
    print (unexpected ? "**Act:** not on the allow-list: " names "." : "Everything that listens is on the allow-list.") > summary
    print "\n| verdict | port | address | process |\n|---|---|---|---|\n" rows > summary
    printf "listening=%d\nunexpected=%d\nunexpected_ports=%s\n", total, unexpected, names > outputs
    return unexpected > 0 ? 1 : 0
}

function shown(text) {
    gsub(/[`|]/, "?", text)
    return text
}
