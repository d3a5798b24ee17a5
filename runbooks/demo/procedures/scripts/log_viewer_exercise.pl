#!/usr/bin/env perl
# A long and colourful log: everything that a log viewer has to show, in a known order and number of lines.
use strict;
use warnings;
use utf8;
binmode STDOUT, ':encoding(UTF-8)';

my $lines   = $ENV{OPSAAS_PARAM_LINES};
my $per     = 1000;                                                # lines of a chapter
my $control = $ENV{OPSAAS_PARAM_CONTROL_SEQUENCES} eq 'true';
my $pause   = $ENV{OPSAAS_PARAM_PAUSE_MS};
my $reset   = "\e[0m";
my $line    = 0;

sub say_line { print $_[0], "\n"; $line++; return }

sub dial { my ($n) = @_; return (int(127.5 + 127.5 * sin($n)), int(127.5 + 127.5 * sin($n + 2.1)), int(127.5 + 127.5 * sin($n + 4.2))) }

my @wide = (
    '日本語の行、全角文字。', '한국어 줄입니다', 'ελληνικά και кириллица', 'café, e + combining accent: cafe' . "\x{301}",
    'family 👨‍👩‍👧‍👦, flag 🇪🇺, skin tone 👍🏽', 'right to left: שלום and العربية', 'box ┌─┬─┐ │ │ │ └─┴─┘', 'braille ⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ and blocks ▁▂▃▄▅▆▇█',
);
my @controls = (
    ["clears the screen in a terminal", "\e[2J\e[H"],   ["moves the cursor up in a terminal", "\e[3A"],
    ["sets a window title in a terminal", "\e]0;title\a"], ["is a link in a terminal", "\e]8;;http://192.0.2.1/\a\e]8;;\a"],
    ["hides text in a terminal", "\e[8m\e[28m"],        ["rings a bell in a terminal", "\a"],
    ["steps back in a terminal", "\b\b\b"],             ["turns reading direction around", "\x{202e}\x{202c}"],
);

my @chapters = (
    ['16 colours', sub {
        my ($n) = @_;
        my ($ink, $paper) = ($n % 16, int($n / 16) % 16);
        my $code = ($ink < 8 ? 30 + $ink : 82 + $ink) . ';' . ($paper < 8 ? 40 + $paper : 92 + $paper);
        return sprintf "\e[%sm colour %2d on %2d %s plain again", $code, $ink, $paper, $reset;
    }],
    ['256 colours', sub {
        my ($n) = @_;
        my $first = ($n * 16) % 256;
        return join('', map { sprintf "\e[48;5;%dm\e[38;5;%dm %3d ", $_, ($_ + 128) % 256, $_ } $first .. $first + 15) . $reset;
    }],
    ['true colour', sub {
        my ($n) = @_;
        return join('', map { sprintf "\e[48;2;%d;%d;%dm ", dial($n / 20 + $_ / 12) } 1 .. 40) . $reset . ' gradient ' . $n;
    }],
    ['attributes that stay on over the end of a line', sub {
        my ($n) = @_;
        my @on = ([1, 'bold'], [2, 'dim'], [3, 'italic'], [4, 'underlined'], [7, 'inverse'], [9, 'struck out'], [0, 'plain']);
        return "\e[$on[$n % 7][0]m" . "from here on also $on[$n % 7][1]";
    }],
    ['an access log', sub {
        my ($n) = @_;
        my $status = (200, 200, 200, 304, 200, 404, 200, 500)[$n * 7 % 8];
        my $colour = $status < 400 ? 32 : $status < 500 ? 33 : 31;
        return sprintf '2026-11-02T03:%02d:%02d.%03dZ 192.0.2.%d "GET /orders/%d" %s%d%s %dms', $n / 60 % 60, $n % 60, $n * 37 % 1000,
            $n * 13 % 254 + 1, $n * 7919 % 100000, "\e[${colour}m", $status, $reset, $n * 31 % 900;
    }],
    ['wide, combined and right-to-left letters', sub { my ($n) = @_; return "$wide[$n % @wide] $n" }],
    ['long lines', sub {
        my ($n) = @_;
        return sprintf '{"line":%d,"payload":"%s"}', $n, 'abcdefghij' x ($n % 250 == 0 ? 2000 : $n % 10 == 0 ? 60 : 12);
    }],
    ['lines that are rewritten in place', sub {
        my ($n) = @_;
        return join("\r", map { sprintf 'copying %3d %% [%-20s]', $_ * 5, '=' x $_ } map { $_ * 4 } 0 .. 5) . " file $n";
    }],
    ['warnings and errors among much else', sub {
        my ($n) = @_;
        return "::warning::queue depth $n is above its usual range" if $n % 100 == 50;
        return "::error::request $n failed: connection reset by peer (an exercise, not a failure of this run)" if $n % 250 == 99;
        return "::notice::checkpoint $n" if $n % 200 == 0;
        return sprintf '    at handler%d (service/module_%d.py:%d)', $n, $n % 17, $n % 400 + 1;
    }],
    ['control sequences that a viewer shows and does not obey', sub {
        my ($n) = @_;
        my ($what, $sequence) = @{ $controls[$n % @controls] };
        return "between the arrows is what $what: >" . ($control ? $sequence : '(left out)') . "< $n";
    }],
);

my $chapter = 0;
while ($line < $lines) {
    my $room = $lines - $line < $per ? $lines - $line : $per;
    my ($title, $make) = @{ $chapters[$chapter++ % @chapters] };
    say_line(sprintf '::progress::%d %s', 100 * $line / $lines, $title) if $room > 3;
    say_line("::group::Chapter $chapter: $title") if $room > 3;
    my $last = $line + $room - ($room > 3 ? 4 : 1);
    for (my $n = 0; $line <= $last; $n++) {
        say_line($make->($n) . ($line == $last ? $reset : ''));
    }
    say_line('::endgroup::') if $room > 3;
    select undef, undef, undef, $pause / 1000 if $pause;
}

sub leave {
    my ($variable, $text) = @_;
    open my $file, '>:encoding(UTF-8)', $ENV{$variable} // '/dev/null' or die "$variable: $!\n";
    print $file $text;
    close $file or die "$variable: $!\n";
    return;
}

leave('OPSAAS_OUTPUT_FILE', "lines=$line\nchapters=$chapter\n");
leave('OPSAAS_SUMMARY_FILE', <<"END" );
$line lines in $chapter chapters were printed. Now check in the viewer:

- the last line has the number $line, and so has the raw download;
- colours of one chapter do not leak into the next;
- a chapter folds and unfolds, and the progress went from 0 up;
- a search finds `request 349` once in every chapter of warnings and errors;
- "next error" stops at the marked lines only;
- nothing cleared the screen, made a link or changed the title of the window.
END
