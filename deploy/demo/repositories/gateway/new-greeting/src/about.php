<?php
declare(strict_types=1);

const GREETING = 'Good to see you again';
const FEATURE = 'new greeting';

/** Says who answers. */
function about(): array
{
    return [
        'service' => 'gateway',
        'commit' => getenv('SDP_SHA') ?: 'unknown',
        'branch' => getenv('SDP_BRANCH') ?: null,
        'environment' => getenv('APP_ENVIRONMENT') ?: (getenv('SDP_SHA') ? 'sandbox' : 'local'),
        'feature' => FEATURE,
        'greeting' => GREETING,
    ];
}

function reply(int $status, array $body): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($body, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
}
