#!/bin/sh
# What must work in a clean root: inside.sh FOLDER, where FOLDER has a Debian package and a tarball.
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/nowhere
unset MAJORTOM_MODEL LD_LIBRARY_PATH

fail() { echo "inside.sh: $*" >&2; exit 1; }

# has WORDS TEXT: the text has the words.
has() { case $2 in *"$1"*) ;; *) fail "'$1' is missing in: $2" ;; esac; }

# works TOOL: the tool runs as a user who may write nowhere, with what lies beside it.
works() {
  as_user="setpriv --reuid=65534 --regid=65534 --clear-groups"
  cd /
  has "majortom" "$($as_user "$1" --version)"
  text=$($as_user "$1" generate --length 300 --seed 1) || fail "generate failed"
  [ "${#text}" -ge 250 ] || fail "generate wrote only: $text"
  has "[Major Tom]PER" "$($as_user "$1" tag 'army core told Major Tom is a great battle commander')"
  has "[Cape Canaveral]LOC" "$($as_user "$1" tag 'The rocket left Cape Canaveral at dawn.')"
  [ "$($as_user "$1" translate 'two hundred twelve thousand seventy-one')" = "deux cent douze mille soixante-et-onze" ] \
    || fail "translate does not translate"
  [ "$(echo forty-two | $as_user "$1" translate)" = "quarante-deux" ] || fail "translate does not read lines"
}

# complete PREFIX ZSH: what is installed beside the tool is there.
complete() {
  for file in bin/majortom share/bash-completion/completions/majortom "$2/_majortom" \
    share/fish/vendor_completions.d/majortom.fish; do
    [ -s "$1/$file" ] || fail "$1/$file is missing"
  done
  for page in majortom majortom-generate majortom-train-lm; do
    ls "$1/share/man/man1/$page".1* >/dev/null || fail "the manual page of $page is missing"
  done
}

[ -z "$(command -v swift)$(find / -xdev -name 'libswiftCore*' -o -xdev -name 'libicu*' 2>/dev/null)" ] \
  || fail "this root is not clean"

dpkg -i "$1"/majortom_*.deb
works majortom
complete /usr share/zsh/vendor-completions
dpkg -r majortom
left=$(find / -xdev -path "$1" -prune -o -path /proc -prune -o -name '*majortom*' -print | grep -v '^/var/lib/dpkg' || true)
[ -z "$left" ] || fail "left behind by dpkg -r: $left"

# A tarball works wherever it is unpacked, by its path and by a link.
mkdir -p "/srv/some folder"
tar -C "/srv/some folder" -xf "$1"/majortom-*.tar.xz
place=$(ls -d "/srv/some folder"/majortom-*)
works "$place/bin/majortom"
complete "$place" share/zsh/site-functions
ln -s "$place/bin/majortom" /usr/local/bin/majortom
works majortom
echo "inside.sh: the Debian package and the tarball work"
