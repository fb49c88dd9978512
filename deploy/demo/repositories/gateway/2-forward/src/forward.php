<?php
declare(strict_types=1);

/** Headers that are about one connection (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
    'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
    'transfer-encoding', 'upgrade',
];

/** Headers of the request and of the answer that PHP, or we, set anew. */
const OWN_OF_REQUEST = ['host', 'content-length', 'expect', 'x-forwarded-prefix'];
const OWN_OF_ANSWER = ['date'];

/** Sends the request on to a service and its answer back, as it comes. */
function forward(string $service, string $path): void
{
    $query = parse_url($_SERVER['REQUEST_URI'], PHP_URL_QUERY);
    $url = service_url($service) . $path . (is_string($query) ? "?$query" : '');
    $body = @fopen($url, 'r', false, stream_context_create(['http' => [
        'method' => $_SERVER['REQUEST_METHOD'],
        'header' => forwarded_headers($service),
        'content' => file_get_contents('php://input'),
        'protocol_version' => 1.0, // no chunks: PHP would collect them to 8 KiB before it hands them on
        'ignore_errors' => true,
        'follow_location' => 0,
        'timeout' => 600,
    ]]));
    if ($body === false) {
        reply(502, ['error' => "$service does not answer"]);
        return;
    }
    pass_head(stream_get_meta_data($body)['wrapper_data'] ?? []);
    while (!feof($body)) {
        // What has come is handed on: fread would wait for more if asked for more than it has.
        echo fread($body, stream_get_meta_data($body)['unread_bytes'] ?: 65536);
        flush();
    }
}

/** The client's headers, trace context included, and where the request came from. */
function forwarded_headers(string $service): array
{
    $headers = ['Connection: close'];
    foreach (getallheaders() as $name => $value) {
        if (!in_array(strtolower($name), [...HOP_BY_HOP, ...OWN_OF_REQUEST], true)) {
            $headers[] = "$name: $value";
        }
    }
    $headers[] = "X-Forwarded-Prefix: /$service";
    return $headers;
}

/** Sends status and headers of an answer. */
function pass_head(array $lines): void
{
    foreach ($lines as $line) {
        if (preg_match('#^HTTP/\S+ (\d{3})#', $line, $m)) {
            http_response_code((int) $m[1]);
            continue;
        }
        $name = strtolower(strstr($line, ':', true) ?: '');
        if ($name !== '' && !in_array($name, [...HOP_BY_HOP, ...OWN_OF_ANSWER], true)) {
            header($line, !in_array($name, ['set-cookie', 'x-sdp-route'], true)); // those may occur more than once
        }
    }
}
