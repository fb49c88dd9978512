<?php
declare(strict_types=1);

/** Whether the client is a browser. */
function wants_page(): bool
{
    return str_contains($_SERVER['HTTP_ACCEPT'] ?? '', 'text/html');
}

/** Shows an overview to people, on a phone too. */
function page(array $overview): void
{
    header('Content-Type: text/html; charset=utf-8');
    $h = fn (mixed $v): string => htmlspecialchars((string) $v, ENT_QUOTES);
    ?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title><?= $h($overview['greeting']) ?></title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 42rem; margin: 0 auto; padding: 1.25rem; }
  h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
  article { border: 1px solid #8885; border-left: .4rem solid #2a9d5c; border-radius: .6rem; }
  article { padding: .75rem 1rem; margin: 1rem 0; }
  article.ocp { border-left-color: #8889; }
  article.down { border-left-color: #d1433f; }
  h2 { font-size: 1.1rem; margin: 0; display: flex; justify-content: space-between; gap: 1rem; }
  h2 span { font-weight: normal; opacity: .7; }
  p { margin: .25rem 0; overflow-wrap: anywhere; }
  code { font-size: .85rem; }
</style>
<h1><?= $h($overview['greeting']) ?></h1>
<p>gateway, <?= $h($overview['environment']) ?></p>
<p><code><?= $h($overview['branch']) ?> <?= $h(substr($overview['commit'], 0, 12)) ?></code></p>
<?php foreach ($overview['services'] as $name => $s) {
    $state = $s['status'] !== 200 ? 'down' : ($s['environment'] ?? ''); ?>
<article class="<?= $h($state) ?>">
  <h2><?= $h($name) ?> <span><?= $h($state) ?></span></h2>
  <p><?= $h($s['feature'] ?? $s['error'] ?? $s['detail'] ?? 'no answer') ?></p>
  <p><code><?= $h($s['branch'] ?? '') ?> <?= $h(substr($s['commit'] ?? '', 0, 12)) ?></code></p>
</article>
<?php } ?>
</html>
    <?php
}
