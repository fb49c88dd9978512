<?php
declare(strict_types=1);

/** Asks every service who it is. */
function overview(): array
{
    $answers = [];
    foreach (SERVICES as $service) {
        $answers[$service] = ask($service);
    }
    return about() + ['services' => $answers];
}

/** What a service says of itself, with the status and the route its answer came by. */
function ask(string $service): array
{
    $answer = @file_get_contents(service_url($service) . '/', false, $context = stream_context_create(['http' => [
        'header' => array_merge(['Connection: close', 'Accept: application/json'], trace_headers()),
        'protocol_version' => 1.1,
        'ignore_errors' => true,
        'timeout' => 5,
    ]]));
    if ($answer === false) {
        return ['status' => 0, 'error' => "$service does not answer"];
    }
    $seen = ['status' => 0];
    foreach ($http_response_header as $line) {
        if (preg_match('#^HTTP/\S+ (\d{3})#', $line, $m)) {
            $seen['status'] = (int) $m[1];
        } elseif (preg_match('#^X-SDP-Route:\s*(.+)$#i', $line, $m)) {
            $seen['route'] = $m[1];
        }
    }
    $said = json_decode($answer, true);
    return $seen + (is_array($said) ? $said : ['error' => 'not JSON']);
}

/** The headers that belong to the trace of the request we answer. */
function trace_headers(): array
{
    $headers = [];
    foreach (getallheaders() as $name => $value) {
        if (in_array(strtolower($name), ['x-sdp-trace', 'traceparent', 'tracestate', 'x-request-id'], true)) {
            $headers[] = "$name: $value";
        }
    }
    return $headers;
}
