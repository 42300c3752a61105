#!/bin/bash
# with.sh COMMAND... runs COMMAND beside a real WordPress and leaves with its status. Nothing of it stays.
#
# It brings up two sites with one MariaDB on 127.0.0.1: pretty permalinks on WORDPRESS_PORT (8930 unless set), plain ones on the
# port after it. COMMAND finds in its environment:
#
#   SCRIP_WORDPRESS             the address of the site with pretty permalinks
#   SCRIP_WORDPRESS_PLAIN       the address of the site with plain permalinks
#   SCRIP_WORDPRESS_EDITOR      the application password of the user "editor", in groups of four as WordPress shows it
#   SCRIP_WORDPRESS_AUTHOR      of the user "author"
#   SCRIP_WORDPRESS_SUBSCRIBER  of the user "subscriber"; all three are new in every run and the same on both sites
#
# It works as root on Debian alone: it installs the packages that are missing, and runs the servers as www-data. The package
# wordpress depends on a web server: apt installs Apache, which is not started now but would be when the machine boots. Killed
# with -9, the script can clean nothing up.
set -euo pipefail
umask 022

packages='wordpress mariadb-server-core mariadb-client php-cli php-mysql php-gd php-xml php-mbstring curl'
port=${WORDPRESS_PORT:-8930}
here=$(cd "$(dirname "$0")" && pwd)

[ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }
{ [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || {
	echo "with.sh needs root on Debian, and there: apt-get install --no-install-recommends $packages" >&2
	exit 1
}

dir=$(mktemp -d)
policy='' # the file that keeps apt from starting services, if it is ours
command='' # its process, once it runs
trap clean EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

clean() {
	status=$?
	trap '' HUP INT TERM
	set +e
	case $status in
	0 | 129 | 130 | 143) ;;
	*) for log in "$dir/log/${command:+php}"*; do [ -s "$log" ] && { echo "--- ${log##*/}"; tail -n 20 "$log"; } >&2; done ;;
	esac
	groups="$(jobs -p) $command" # what still runs, and what COMMAND may have left behind
	for pid in $groups; do kill -TERM -- "-$pid"; done 2>/dev/null
	for pid in $groups; do
		for _ in {1..100}; do kill -0 "$pid" || break; sleep 0.1; done
		kill -KILL -- "-$pid"
	done 2>/dev/null
	[ -z "$policy" ] || rm -f "$policy"
	rm -rf "$dir"
	exit "$status"
}

# start LOG COMMAND... runs COMMAND in the background as the leader of a process group, so that its children end with it.
start() {
	local log=$1
	shift
	setsid "$@" >"$log" 2>&1 &
}

# ready COMMAND... waits until COMMAND succeeds, as long as what was started last is alive, and some 30 seconds at most.
ready() {
	local end=$((SECONDS + 30))
	while [ "$SECONDS" -lt "$end" ]; do
		"$@" >/dev/null 2>&1 && return
		kill -0 "$!" 2>/dev/null || break
		sleep 0.2
	done
	echo "with.sh: not ready: $*" >&2
	return 1
}

chmod 711 "$dir"
mkdir "$dir/wordpress"
install -d -o www-data -m 700 "$dir/db" "$dir/log" "$dir/tmp"

missing=''
for p in $packages; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q ' installed' || missing="$missing $p"
done
if [ -n "$missing" ]; then
	echo "with.sh: installing$missing" >&2
	if [ ! -e /usr/sbin/policy-rc.d ]; then # else the machine has a policy of its own
		policy=/usr/sbin/policy-rc.d
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	# shellcheck disable=SC2086 # a list of words
	{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --no-remove $missing; } \
		>"$dir/log/apt" 2>&1 </dev/null || {
		echo "with.sh: apt-get failed; install yourself:$missing" >&2
		exit 1
	}
	[ -z "$policy" ] || rm "$policy"
	policy=''
fi

for p in "$port" $((port + 1)); do # else the tests could talk to somebody else's server
	php -r "exit(@stream_socket_server('tcp://127.0.0.1:$p') ? 0 : 1);" || {
		echo "with.sh: port $p is taken, set WORDPRESS_PORT to the first of two free ones" >&2
		exit 1
	}
done

# MariaDB listens on a socket that only www-data and root reach, and knows both by it: there are no passwords. Nothing that it
# writes is to outlive it, so it waits for no disk.
mariadb=(--no-defaults --user=www-data --datadir="$dir/db" --tmpdir="$dir/tmp" --innodb-flush-method=nosync
	--innodb-flush-log-at-trx-commit=0 --skip-innodb-doublewrite)
mariadb-install-db "${mariadb[@]}" --skip-test-db >"$dir/log/mariadb-install" 2>&1
printf 'CREATE DATABASE %s CHARACTER SET utf8mb4;\n' pretty plain >"$dir/init.sql"
start "$dir/log/mariadb" mariadbd "${mariadb[@]}" --socket="$dir/db/socket" --skip-networking --init-file="$dir/init.sql"
ready mariadb-admin --no-defaults --socket="$dir/db/socket" ping

# One copy of WordPress serves both sites; Debian's package holds links into other packages, which the copy follows.
cp -RL /usr/share/wordpress/. "$dir/wordpress"
content=$dir/wordpress/wp-content
mkdir -p "$content/mu-plugins" "$content/themes/scrip"
install -d -o www-data "$content/uploads"
cp "$here/config.php" "$dir/wordpress/wp-config.php"
cp "$here/plugin.php" "$content/mu-plugins/scrip.php"
cp "$here/theme.php" "$content/themes/scrip/index.php"
echo '/* Theme Name: Scrip */' >"$content/themes/scrip/style.css"
cp "$here/setup.php" "$here/router.php" "$dir"

password() { od -An -N12 -tx2 /dev/urandom | cut -c2-; }
SCRIP_WORDPRESS=http://127.0.0.1:$port
SCRIP_WORDPRESS_PLAIN=http://127.0.0.1:$((port + 1))
SCRIP_WORDPRESS_EDITOR=$(password)
SCRIP_WORDPRESS_AUTHOR=$(password)
SCRIP_WORDPRESS_SUBSCRIBER=$(password)
export SCRIP_WORDPRESS SCRIP_WORDPRESS_PLAIN SCRIP_WORDPRESS_EDITOR SCRIP_WORDPRESS_AUTHOR SCRIP_WORDPRESS_SUBSCRIBER

# site NAME URL installs a site and starts its web server.
site() {
	local php=(setpriv --reuid=www-data --regid=www-data --clear-groups env --chdir="$dir/wordpress" TMPDIR="$dir/tmp"
		SITE_NAME="$1" SITE_URL="$2" SITE_SOCKET="$dir/db/socket" PHP_CLI_SERVER_WORKERS=4
		php -d error_log="$dir/log/php" -d upload_max_filesize=64M -d post_max_size=64M)
	"${php[@]}" "$dir/setup.php" >"$dir/log/setup-$1" 2>&1
	start "$dir/log/web-$1" "${php[@]}" -q -S "${2#http://}" -t "$dir/wordpress" "$dir/router.php"
	ready curl -fsS -m 10 "$2/?rest_route=/"
}
site pretty "$SCRIP_WORDPRESS"
site plain "$SCRIP_WORDPRESS_PLAIN"

version=$(php -r "require '$dir/wordpress/wp-includes/version.php'; echo \$wp_version, ', PHP ', PHP_VERSION;")
echo "with.sh: WordPress $version: $SCRIP_WORDPRESS and, with plain permalinks, $SCRIP_WORDPRESS_PLAIN" >&2

# In the background, because only then a signal is heard at once; so COMMAND has no standard input.
setsid "$@" &
command=$!
wait "$command"
