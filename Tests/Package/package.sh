#!/usr/bin/env bash
# Tries what `make package` made in clean roots, which mmdebstrap makes of Debian's essential packages and xz alone,
# without Swift: package.sh [SUITE...], bookworm if none is named. Each gets the Debian package and, after that is
# removed, the tarball. lintian must find no error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

# make install and make uninstall, with a folder before every path.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Under sudo nothing is built; all is there.
paths=(SUDO_USER=nobody "DESTDIR=$folder/some folder" PREFIX=/usr/local)
make --no-print-directory -s install "${paths[@]}"
said=$(cd "$folder" && env -u MAJORTOM_MODEL "$folder/some folder/usr/local/bin/majortom" tag "We heard from Major Tom.")
[ "$said" = "We heard from [Major Tom]PER." ] || { echo "package.sh: make install: $said" >&2; exit 1; }
make --no-print-directory -s uninstall "${paths[@]}"
left=$(find "$folder" -type f)
[ -z "$left" ] || { echo "package.sh: make uninstall left $left" >&2; exit 1; }

cd .build/package
deb=$(ls majortom_*.deb)
tarball=$(ls majortom-*.tar.xz)
lintian --allow-root --fail-on error --tag-display-limit 0 "$deb"
for suite in "${@:-bookworm}"; do
  echo "package.sh: $suite"
  mmdebstrap --quiet --variant=essential --include=xz-utils --format=null \
    --customize-hook="copy-in '$here/inside.sh' '$deb' '$tarball' /opt" \
    --customize-hook='chroot "$1" sh /opt/inside.sh /opt' "$suite" /dev/null
done
