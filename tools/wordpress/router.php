<?php
// PHP's web server rewrites nothing: what is no file of WordPress goes to its index.php, as Apache and nginx are told to do.
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/');
if (file_exists($_SERVER['DOCUMENT_ROOT'] . $path)) {
	return false;
}
unset($_SERVER['PATH_INFO']);
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
$_SERVER['SCRIPT_FILENAME'] = $_SERVER['DOCUMENT_ROOT'] . '/index.php';
require $_SERVER['SCRIPT_FILENAME'];
