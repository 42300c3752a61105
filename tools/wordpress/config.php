<?php
// wp-config.php of both sites: the environment says which one a server is.
define('DB_NAME', getenv('SITE_NAME'));
define('DB_USER', 'www-data');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:' . getenv('SITE_SOCKET'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
$table_prefix = 'wp_';

define('WP_HOME', getenv('SITE_URL'));
define('WP_SITEURL', getenv('SITE_URL'));
define('UPLOADS', 'wp-content/uploads/' . getenv('SITE_NAME'));
define('WP_DEFAULT_THEME', 'scrip');

define('WP_ENVIRONMENT_TYPE', 'local'); // else application passwords want https
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);

defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
