<?php
// Keeps short links, with PDO.

set_exception_handler(function (Throwable $err) {
    error_log($err);
    answer(500, 'something went wrong');
});

function answer(int $status, mixed $body): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    exit(json_encode($body));
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$route = $_SERVER['REQUEST_METHOD'] . ' ' . $path;
if ($route === 'GET /up') {
    answer(200, 'ok');
}

require __DIR__ . '/../database.php';

if ($route === 'GET /links') {
    answer(200, query('SELECT * FROM links ORDER BY id')->fetchAll());
}
if ($route === 'POST /links') {
    $link = query('INSERT INTO links (name, url) VALUES (?, ?) RETURNING *', [$_POST['name'], $_POST['url']]);
    answer(201, $link->fetch());
}
if (preg_match('~^GET /links/(\d+)$~', $route, $match)) {
    $link = query('SELECT * FROM links WHERE id = ?', [$match[1]])->fetch();
    answer($link ? 200 : 404, $link ?: 'no such link');
}
if (preg_match('~^GET /go/([^/]+)$~', $route, $match)) { // leads on and counts the visit: a GET that writes
    $link = query('UPDATE links SET visits = visits + 1 WHERE name = ? RETURNING url', [urldecode($match[1])])->fetch();
    if ($link) {
        header('Location: ' . $link['url'], true, 302);
        exit;
    }
}
answer(404, 'not found');
