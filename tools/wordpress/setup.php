<?php
// Installs the site that the environment names: tables, permalinks, and three users with their application passwords.
define('WP_INSTALLING', true);
require getcwd() . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';

wp_install('Scrip', 'admin', 'admin@example.com', true, '', wp_generate_password());

global $wp_rewrite;
$wp_rewrite->set_permalink_structure(DB_NAME === 'pretty' ? '/%year%/%monthnum%/%postname%/' : '');
$wp_rewrite->flush_rules(false);

foreach (['editor', 'author', 'subscriber'] as $name) {
	$user = wp_insert_user([
		'user_login' => $name,
		'user_pass' => wp_generate_password(),
		'user_email' => "$name@example.com",
		'role' => $name,
	]);
	// WordPress makes application passwords up: it is handed ours, so that both sites have the same.
	$ours = fn () => str_replace(' ', '', getenv('SCRIP_WORDPRESS_' . strtoupper($name)));
	add_filter('random_password', $ours);
	$made = WP_Application_Passwords::create_new_application_password($user, ['name' => 'scrip']);
	remove_filter('random_password', $ours);
	if (is_wp_error($user) || is_wp_error($made)) {
		exit(1);
	}
}
