# When something will be full, from what was measured on some days: a straight line through the points.

BEGIN {
    red = "\033[31m"; green = "\033[32m"; bold = "\033[1m"; dim = "\033[2m"; reset = "\033[0m"
    summary = "OPSAAS_SUMMARY_FILE" in ENVIRON ? ENVIRON["OPSAAS_SUMMARY_FILE"] : "/dev/null"
    outputs = "OPSAAS_OUTPUT_FILE" in ENVIRON ? ENVIRON["OPSAAS_OUTPUT_FILE"] : "/dev/null"
    resource = ENVIRON["OPSAAS_PARAM_RESOURCE"]
    unit = ENVIRON["OPSAAS_PARAM_UNIT"]
    warn_days = ENVIRON["OPSAAS_PARAM_WARN_DAYS"] + 0
    capacity = ENVIRON["OPSAAS_PARAM_CAPACITY"] + 0
    usable = capacity * (1 - ENVIRON["OPSAAS_PARAM_RESERVE_PERCENT"] / 100)
    extra = "OPSAAS_PARAM_EXTRA_PER_DAY" in ENVIRON ? ENVIRON["OPSAAS_PARAM_EXTRA_PER_DAY"] + 0 : 0
    ticket = "OPSAAS_PARAM_TICKET" in ENVIRON ? " (" ENVIRON["OPSAAS_PARAM_TICKET"] ")" : ""

    relief = "OPSAAS_PARAM_RELIEF_AT" in ENVIRON ? substr(ENVIRON["OPSAAS_PARAM_RELIEF_AT"], 1, 10) : ""
    shown = "\n" ENVIRON["OPSAAS_PARAM_SHOW"] "\n"                    # choices come a line each

    if ("OPSAAS_PARAM_MEASUREMENTS_FILE" in ENVIRON)
        read_measurements(content_of(ENVIRON["OPSAAS_PARAM_MEASUREMENTS_FILE"]))
    else
        read_measurements(ENVIRON["OPSAAS_PARAM_MEASUREMENTS"])
    if (index(shown, "\nchart\n"))
        draw()
    growth = (ENVIRON["OPSAAS_PARAM_ASSUME_WORST"] == "true" ? steepest() : trend()) + extra
    exit verdict()
}

function could_not_tell(sentence) {
    print "::error::" sentence
    print "**Could not tell:** " sentence > summary
    exit 2
}

function content_of(file,    line, text) {
    while ((getline line < file) > 0)
        text = text line "\n"
    close(file)
    return text
}

# Each line: a date and a number, "2026-11-02 310.5"; empty lines and what follows a # do not count.
function read_measurements(text,    lines, total, n, words) {
    total = split(text, lines, /\n/)
    for (n = 1; n <= total; n++) {
        sub(/\r$/, "", lines[n]); sub(/#.*/, "", lines[n])
        if (split(lines[n], words, " ") == 0)
            continue
        if (words[1] !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/ || words[2] !~ /^[0-9]+(\.[0-9]+)?$/ || 3 in words)
            could_not_tell("Line " n " of the measurements is not a date and a number, such as 2026-11-02 310.5.")
        count++
        day[count] = day_number(words[1])
        used[count] = words[2] + 0
        if (date_of(day[count]) != words[1])
            could_not_tell("Line " n " of the measurements has a date that is not in the calendar.")
        if (count > 1 && day[count] <= day[count - 1])
            could_not_tell("Line " n " of the measurements is not later than the one before it.")
    }
    if (count < 2)
        could_not_tell("A forecast needs measurements of two days or more.")
}

# Days since 1 March of the year 0, and back: the year begins in March, so that leap days come last.
function day_number(date,    y, m, d) {
    y = substr(date, 1, 4) + 0; m = substr(date, 6, 2) + 0; d = substr(date, 9, 2) + 0
    if (m < 3) { y--; m += 12 }
    return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d - 1
}

function date_of(number,    y, m, d, rest) {
    y = int((10000 * number + 14780) / 3652425)
    rest = number - (365 * y + int(y / 4) - int(y / 100) + int(y / 400))
    if (rest < 0) {
        y--
        rest = number - (365 * y + int(y / 4) - int(y / 100) + int(y / 400))
    }
    m = int((100 * rest + 52) / 3060)
    d = rest - int((m * 306 + 5) / 10) + 1
    return sprintf("%04d-%02d-%02d", y + int((m + 2) / 12), (m + 2) % 12 + 1, d)
}

# Least squares: the growth per day that fits all points best.
function trend(    n, days, amounts, both, squares, mean_day, mean_used) {
    for (n = 1; n <= count; n++) { days += day[n] - day[1]; amounts += used[n] }
    mean_day = days / count; mean_used = amounts / count
    for (n = 1; n <= count; n++) {
        both += (day[n] - day[1] - mean_day) * (used[n] - mean_used)
        squares += (day[n] - day[1] - mean_day) ^ 2
    }
    return both / squares
}

function steepest(    n, step, most) {
    for (n = 2; n <= count; n++) {
        step = (used[n] - used[n - 1]) / (day[n] - day[n - 1])
        if (n == 2 || step > most)
            most = step
    }
    return most
}

function draw(    n, width, bar) {
    print bold resource reset " in " unit ", usable " sprintf("%.1f of %.1f", usable, capacity)
    for (n = 1; n <= count; n++) {
        width = int(40 * used[n] / usable + 0.5)
        bar = ""
        while (length(bar) < (width > 40 ? 40 : width))
            bar = bar "#"
        printf "%s %10.1f %s%-40s%s|\n", date_of(day[n]), used[n], (used[n] > usable ? red : green), bar, reset
    }
}

function verdict(    left, room, days, sentence, code, line, late) {
    left = usable - used[count]
    room = left > 0 ? left : 0
    if (left <= 0) {
        days = 0; code = 1
        sentence = "It is full already"
    } else if (growth <= 0) {
        days = -1
        sentence = "It does not grow"
    } else {
        days = int(left / growth)
        code = days < warn_days ? 1 : 0
        # Beyond a hundred years a date says nothing.
        sentence = days > 36500 ? "It lasts for more than a hundred years" : "It will be full in " days " days, on " date_of(day[count] + days)
    }
    if (days >= 0 && relief != "" && day[count] + days < day_number(relief)) {
        code = 1
        late = ": before " relief ", when more is to come."
    }
    if (index(shown, "\ngrowth\n"))
        printf "\n%sGrowth %.3f %s a day; %.1f %s left, counted from %s%s\n", dim, growth, unit, room, unit, date_of(day[count]), reset
    if (code)
        print "::error::" sentence (late != "" ? late : ": less than the " warn_days " days that you want to be warned of.")
    else
        print green sentence "." reset
    line = (code ? "**Act:** `" : "`") resource "`" ticket ": " tolower(substr(sentence, 1, 1)) substr(sentence, 2)
    print line sprintf(". Growth %.3f %s a day, %.1f %s left.", growth, unit, room, unit) > summary
    if (ENVIRON["OPSAAS_PARAM_NOTE"] != "")
        print "\n" quoted(ENVIRON["OPSAAS_PARAM_NOTE"]) > summary
    keep_table()
    printf "days_left=%s\ngrowth_per_day=%.3f\n", (days < 0 ? "never" : days), growth > outputs
    if (days >= 0 && days <= 36500)
        print "full_on=" date_of(day[count] + days) > outputs
    return code
}

# What was calculated with, as a file that stays with the run.
function keep_table(    n, file) {
    if (!("OPSAAS_ARTIFACTS_DIR" in ENVIRON))
        return
    file = ENVIRON["OPSAAS_ARTIFACTS_DIR"] "/measurements.csv"
    print "date," unit > file
    for (n = 1; n <= count; n++)
        print date_of(day[n]) "," used[n] > file
    close(file)
}

function quoted(text) {
    gsub(/\n/, "\n    ", text)
    return "    " text
}
