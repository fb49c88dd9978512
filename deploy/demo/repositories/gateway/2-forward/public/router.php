<?php
declare(strict_types=1);

require __DIR__ . '/../src/about.php';
require __DIR__ . '/../src/services.php';
require __DIR__ . '/../src/forward.php';

header_remove('X-Powered-By');
header('X-Served-By: ' . about()['environment']);

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/';
$to = service_for($path);
match (true) {
    $path === '/healthz' => reply(200, ['status' => 'ok']),
    $path === '/version', $path === '/' => reply(200, about()),
    $to !== null => forward(...$to),
    default => reply(404, ['error' => 'the gateway has no such path']),
};
if ($path !== '/healthz') {
    error_log("$_SERVER[REQUEST_METHOD] $path " . http_response_code());
}
