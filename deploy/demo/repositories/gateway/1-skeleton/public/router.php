<?php
declare(strict_types=1);

require __DIR__ . '/../src/about.php';

header_remove('X-Powered-By');
header('X-Served-By: ' . about()['environment']);

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/';
match (true) {
    $path === '/healthz' => reply(200, ['status' => 'ok']),
    $path === '/version', $path === '/' => reply(200, about()),
    default => reply(404, ['error' => 'the gateway has no such path']),
};
if ($path !== '/healthz') {
    error_log("$_SERVER[REQUEST_METHOD] $path " . http_response_code());
}
