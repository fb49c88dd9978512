<?php
declare(strict_types=1);

const SERVICES = ['account', 'payment', 'user'];

/** Where a service is: $ACCOUNT_URL, or http://account:8080. */
function service_url(string $service): string
{
    return rtrim(getenv(strtoupper($service) . '_URL') ?: "http://$service:8080", '/');
}

/** The service a path is for and the rest of the path, or null: /account/accounts/1 -> [account, /accounts/1]. */
function service_for(string $path): ?array
{
    [, $service, $rest] = array_pad(explode('/', $path, 3), 3, '');
    return in_array($service, SERVICES, true) ? [$service, "/$rest"] : null;
}
