#!/usr/bin/env perl
# Who uses the memory of this machine: every process's share, from /proc. Reads only.
use strict;
use warnings;

my ($red, $green, $bold, $dim, $reset) = ("\e[31m", "\e[32m", "\e[1m", "\e[2m", "\e[0m");
my $count = $ENV{OPSAAS_PARAM_COUNT};
my $order = $ENV{OPSAAS_PARAM_SORT_BY};
my $name  = $ENV{OPSAAS_PARAM_NAME_CONTAINS};    # not set: every process
my $limit = $ENV{OPSAAS_PARAM_LIMIT_MIB};        # not set: no limit

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

# "Name: 123 kB" lines of a file under /proc; nothing if it is gone or not ours to read.
sub fields {
    my ($path) = @_;
    open my $file, '<', $path or return {};
    my %found;
    while (my $line = <$file>) {
        $found{$1} = $2 if $line =~ /^(\w+):\s*(.*\S)/;
    }
    return \%found;
}

sub kib { return $_[0] && $_[0] =~ /^(\d+)/ ? $1 : 0 }

sub open_files {
    my ($pid) = @_;
    opendir my $folder, "/proc/$pid/fd" or return undef;    # not "return": that would be no value at all in a list
    return scalar(grep { !/^\./ } readdir $folder);
}

sub command {
    my ($pid, $short) = @_;
    my $text = '';
    if (open my $file, '<', "/proc/$pid/cmdline") {
        read $file, $text, 4096;
    }
    ($text) = split /\0/, $text, 2;    # the program only: arguments may hold passwords
    $text = "[$short]" if !defined $text || $text eq '';
    $text =~ s/[^\x20-\x7e]/?/g;
    $text =~ s/\s+$//;
    return length $text > 60 ? substr($text, 0, 59) . '~' : $text;
}

sub process {
    my ($pid) = @_;
    my $status = fields("/proc/$pid/status");
    return unless defined $status->{Name} && defined $status->{VmRSS};    # gone, or a thread of the kernel
    my $rollup = fields("/proc/$pid/smaps_rollup");
    return {
        pid => $pid, name => $status->{Name}, uid => (split ' ', $status->{Uid})[0],
        rss => kib($status->{VmRSS}), swap => kib($status->{VmSwap}), threads => $status->{Threads},
        pss => defined $rollup->{Pss} ? kib($rollup->{Pss}) : undef, open_files => open_files($pid),
        command => command($pid, $status->{Name}),
    };
}

opendir my $proc, '/proc' or could_not_tell("/proc cannot be read: $!.");
my @pids = grep { /^\d+$/ } readdir $proc;
my @processes = grep { defined } map { process($_) } @pids;
could_not_tell('/proc shows no process at all.') unless @processes;
my $memory = fields('/proc/meminfo');
@processes = grep { index(lc "$_->{name} $_->{command}", lc $name) >= 0 } @processes if defined $name;

my %value = (
    resident => sub { $_[0]{rss} }, proportional => sub { $_[0]{pss} // $_[0]{rss} }, swap => sub { $_[0]{swap} },
    threads => sub { $_[0]{threads} }, open_files => sub { $_[0]{open_files} // 0 },
);
my $by = $value{$order} or could_not_tell("There is no order called $order.");
my @sorted = sort { $by->($b) <=> $by->($a) || $a->{pid} <=> $b->{pid} } @processes;
my @shown = @sorted > $count ? @sorted[0 .. $count - 1] : @sorted;

sub mib { return defined $_[0] ? sprintf('%.1f', $_[0] / 1024) : '?' }

printf "%sMemory: %s MiB of %s MiB available, swap %s MiB of %s MiB free%s\n\n", $bold,
    map({ mib(kib($memory->{$_})) } qw(MemAvailable MemTotal SwapFree SwapTotal)), $reset;
printf "$dim%8s %6s %10s %10s %9s %7s %6s  %s$reset\n", 'pid', 'user', 'resident', 'proport.', 'swap', 'threads', 'files', 'program';

my ($hidden, @above, $table) = (0);
for my $one (@sorted) {
    $hidden++ unless defined $one->{pss} && defined $one->{open_files};
    push @above, $one if defined $limit && $one->{rss} / 1024 > $limit;
}
for my $one (@shown) {
    my $colour = defined $limit && $one->{rss} / 1024 > $limit ? $red : '';
    printf "%s%8d %6d %10s %10s %9s %7d %6s  %s%s\n", $colour, $one->{pid}, $one->{uid}, mib($one->{rss}), mib($one->{pss}),
        mib($one->{swap}), $one->{threads}, $one->{open_files} // '?', $one->{command}, $colour ? $reset : '';
    my $command = $one->{command} =~ s/[`|]/?/gr;
    $table .= sprintf "| %d | %s | %s | %s | %d | %s | `%s` |\n", $one->{pid}, mib($one->{rss}), mib($one->{pss}),
        mib($one->{swap}), $one->{threads}, $one->{open_files} // '?', $command;
}
print "(" . (@sorted - @shown) . " more)\n" if @sorted > @shown;
print "\n::notice::$hidden of " . @sorted . " processes may not be looked into by this user: what is not known shows as ?.\n"
    if $hidden;

my @names = map { "$_->{name} ($_->{pid}) " . mib($_->{rss}) . ' MiB' } @above;
s/[^\x20-\x7e]|[`|<\[\]*_\\]/?/g for @names;
print "::error::Above $limit MiB: $_\n" for @names;
if (defined $name && !@sorted) { print "::notice::No process has this in its name or program.\n" }
elsif (!@above) { print $green, defined $limit ? "No process is above $limit MiB." : 'Measured; no limit was given.', "$reset\n" }

my $head = @above ? '**Act:** above the limit: ' . join(', ', @names) . ".\n\n" : '';
leave('OPSAAS_SUMMARY_FILE', $head . scalar(@sorted) . ' processes, ' . mib(kib($memory->{MemAvailable}))
    . " MiB of memory available.\n\n| pid | resident MiB | proportional MiB | swap MiB | threads | files | program |\n"
    . "|---:|---:|---:|---:|---:|---:|---|\n" . ($table // ''));
my $most = $sorted[0];
leave('OPSAAS_OUTPUT_FILE', 'processes=' . @sorted . "\nabove_limit=" . @above . "\navailable_mib=" . mib(kib($memory->{MemAvailable}))
    . ($most ? "\ntop_pid=$most->{pid}\ntop_resident_mib=" . mib($most->{rss}) : '') . "\n");
exit(@above ? 1 : 0);
