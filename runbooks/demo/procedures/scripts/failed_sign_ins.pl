#!/usr/bin/env perl
# Failed sign-ins of an sshd / PAM log by address, user and hour. Reads one file, writes nothing elsewhere.
use strict;
use warnings;

my ($red, $yellow, $green, $bold, $reset) = ("\e[31m", "\e[33m", "\e[32m", "\e[1m", "\e[0m");

my $path     = $ENV{OPSAAS_PARAM_PATH};
my $top      = $ENV{OPSAAS_PARAM_COUNT};
my $alarm_at = $ENV{OPSAAS_PARAM_ALARM_AT};
my $only     = $ENV{OPSAAS_PARAM_ONLY_USER};    # not set: every user
my $BREAK_IN = 5;    # failures of one address before a success of it is suspicious: more than a person's typing

sub leave {
    my ($variable, $text) = @_;
    open my $file, '>', $ENV{$variable} // '/dev/null' or die "$variable: $!\n";
    print $file $text;
    close $file or die "$variable: $!\n";
}

sub could_not_tell {
    my ($sentence) = @_;
    print "::error::$sentence\n";
    leave('OPSAAS_SUMMARY_FILE', "**Could not tell:** $sentence\n");
    exit 2;
}

# Who attacks chooses the user names in the log: nothing of them may reach a terminal or Markdown as it is.
sub harmless {
    my ($text) = @_;
    $text =~ s/[^\x21-\x7e]/?/g;
    return length $text > 40 ? substr($text, 0, 39) . '~' : $text;
}

sub markdown {
    my ($text) = @_;
    $text =~ s/([\\`*_{}\[\]<>|#~])/\\$1/g;
    return $text;
}

my $shown = $path =~ s/[^\x20-\x7e]/?/gr;
could_not_tell("$shown is a folder, not a log file.") if -d $path;
open my $log, '<', $path or could_not_tell("$shown cannot be read: $!.");

my (%address, %user, %hour, %row, @break_in);
my ($failures, $sign_ins, $lines) = (0, 0, 0);

# Anchored at both ends: a user name such as "root from 192.0.2.1 port 9" must not pass for an address.
my $stamp  = qr/^(?:\w{3}\s+\d+\s[\d:]{8}|\d{4}-\d\d-\d\dT\S+)\s\S+/;
my $sshd   = qr/$stamp sshd(?:-session)?\[\d+\]:/;
my $failed = qr/Failed \S+ for (?:invalid user )?(.*) from (\S+) port \d+(?: ssh2)?/;

while (my $line = <$log>) {
    $lines++;
    my ($user, $from, $times) = (undef, undef, 1);
    if ($line =~ /$sshd $failed\s*$/) {
        ($user, $from) = ($1, $2);
    }
    elsif ($line =~ /$sshd message repeated (\d{1,6}) times: \[ $failed\]\s*$/) {
        ($times, $user, $from) = ($1, $2, $3);
    }
    elsif ($line =~ /$stamp (?!sshd)[\w-]+(?:\[\d+\])?: pam_unix\([\w-]+:auth\): authentication failure;(.*)/) {
        my $fields = $1;    # sshd tells its own failures above; this is su, sudo, login, cron ...
        $user = $fields =~ /\buser=(\S+)/  ? $1 : '(none)';
        $from = $fields =~ /\brhost=(\S+)/ ? $1 : 'this machine';
    }
    elsif ($line =~ /$sshd Accepted \S+ for (\S+) from (\S+) port \d+ ssh2/) {
        $sign_ins++;
        push @break_in, [harmless($1), harmless($2), $row{$2}] if ($row{$2} // 0) >= $BREAK_IN;
        $row{$2} = 0;
        next;
    }
    next unless defined $user;
    next if defined $only && $user ne $only;
    $user = '(empty)' if $user eq '';
    $failures += $times;
    $row{$from} += $times;
    $address{$from eq 'this machine' ? $from : harmless($from)} += $times;
    $user{harmless($user)} += $times;
    my $hour = $line =~ /^(\d{4}-\d\d-\d\d)T(\d\d):/ ? "$1 $2:00" : $line =~ /^(\w{3}\s+\d+) (\d\d):/ ? "$1 $2:00" : 'unknown';
    $hour{$hour} += $times;
}
close $log;

sub by_count {
    my ($count) = @_;
    my @keys = sort { $count->{$b} <=> $count->{$a} || $a cmp $b } keys %$count;
    return @keys > $top ? @keys[0 .. $top - 1] : @keys;
}

sub bars {
    my ($title, $count, $alarm, @keys) = @_;
    my $most = (sort { $b <=> $a } values %$count)[0] || 1;
    print "::group::$title\n";
    for my $key (@keys) {
        my $colour = $alarm && $count->{$key} >= $alarm ? $red : $yellow;
        printf "%-40s %6d %s%s%s\n", $key, $count->{$key}, $colour, '#' x (1 + 39 * $count->{$key} / $most), $reset;
    }
    printf "(%d more)\n", scalar(keys %$count) - @keys if keys %$count > @keys;
    print "::endgroup::\n";
    return "\n#### $title\n\n| | failed |\n|---|---:|\n" . join '', map { '| ' . markdown($_) . " | $count->{$_} |\n" } @keys;
}

my @worst = grep { $address{$_} >= $alarm_at } by_count(\%address);
printf "%s%d failed%s and %d successful sign-ins in %d lines of %s\n\n", $bold, $failures, $reset, $sign_ins, $lines, $shown;

my $tables = '';
if ($failures) {
    my @hours = sort keys %hour;
    my $first = @hours > 48 ? @hours - 48 : 0;    # a log of months: the last two days of trouble
    $tables .= bars('By address', \%address, $alarm_at, by_count(\%address));
    $tables .= bars('By user',    \%user,    0,         by_count(\%user));
    $tables .= bars('By hour',    \%hour,    0,         @hours[$first .. $#hours]);
}

my @findings;
push @findings, "$_ failed $address{$_} times (alarm at $alarm_at)" for @worst;
push @findings, "$_->[0] signed in from $_->[1] right after $_->[2] failures there: check this first" for @break_in;
print "::error::$_\n" for @findings;
print "::notice::No line of this file looks like a sign-in: is it the right log?\n" if !$failures && !$sign_ins;
print "${green}Nothing above the alarm of $alarm_at failures from one address.$reset\n" unless @findings;

my $headline = "$failures failed and $sign_ins successful sign-ins in $lines lines.\n";
leave('OPSAAS_SUMMARY_FILE',
    join('', map { '**Act:** ' . markdown($_) . ".\n\n" } @findings) . $headline . $tables);
my ($worst_address) = by_count(\%address);
leave('OPSAAS_OUTPUT_FILE',
    "failures=$failures\naddresses=" . scalar(keys %address)
    . "\nsuspicious_sign_ins=" . scalar(@break_in)
    . (defined $worst_address ? "\nworst_address=$worst_address" : '') . "\n");
exit(@findings ? 1 : 0);
