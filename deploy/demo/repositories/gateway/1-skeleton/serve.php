<?php
// Runs PHP's built-in server at HOST:PORT.
declare(strict_types=1);

const STOP = [SIGTERM, SIGINT];
const GRACE = 5;

function serve(): never
{
    $address = (getenv('HOST') ?: '0.0.0.0') . ':' . (getenv('PORT') ?: '8080');
    pcntl_exec(PHP_BINARY, [
        '-d', 'enable_post_data_reading=0', // or forms could not be forwarded as they came
        '-d', 'default_charset=', // or PHP would add one to the services' content types
        '-d', 'output_buffering=0', // what a service streams is passed on as it comes
        '-d', 'display_errors=0',
        '-d', 'log_errors=1',
        '-q', // no three lines a request; router.php logs one
        '-S', $address, '-t', __DIR__ . '/public', __DIR__ . '/public/router.php',
    ]);
    exit(1);
}

if ((int) getenv('PHP_CLI_SERVER_WORKERS') < 2) {
    serve();
}

// PHP passes no signal on to its workers and then waits for them. So the server gets a process group of its own, all of
// which is told to stop. Each worker may finish its request; one that takes longer than GRACE seconds is cut off.
$signals = [...STOP, SIGCHLD];
pcntl_sigprocmask(SIG_BLOCK, $signals);
$server = pcntl_fork();
if ($server === 0) {
    posix_setsid();
    pcntl_sigprocmask(SIG_UNBLOCK, $signals);
    serve();
}
$deadline = null;
while (pcntl_waitpid($server, $status, WNOHANG) === 0) {
    $signal = $deadline ? pcntl_sigtimedwait($signals, $info, 1) : pcntl_sigwaitinfo($signals);
    if (in_array($signal, STOP, true)) {
        $deadline ??= time() + GRACE;
        posix_kill(-$server, SIGINT);
    } elseif ($deadline && time() >= $deadline) {
        posix_kill(-$server, SIGKILL);
    }
}
exit(pcntl_wifexited($status) ? pcntl_wexitstatus($status) : 1);
