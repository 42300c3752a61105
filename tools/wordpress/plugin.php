<?php
// What every request to the sites has: silence, and the fields of an SEO plugin in REST.
add_filter('pre_http_request', fn () => new WP_Error('http_request_not_executed', 'this site calls nobody'));
add_filter('pre_wp_mail', '__return_true');

add_action('init', function () {
	foreach (['title', 'metadesc', 'focuskw'] as $field) {
		register_post_meta('post', "_yoast_wpseo_$field", [
			'type' => 'string',
			'single' => true,
			'show_in_rest' => true,
			'auth_callback' => fn () => current_user_can('edit_posts'), // a key with a leading _ is closed otherwise
		]);
	}
});
