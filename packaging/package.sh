#!/usr/bin/env bash
# Makes majortom_VERSION-1_ARCHITECTURE.deb and majortom-VERSION-linux-MACHINE.tar.xz in .build/package: the tool as
# `make install` puts it, and beside it, in lib/majortom, all libraries that it needs beyond glibc. Debian gives
# ICU another name in every release; so the package holds libraries too, and is one for all releases
# whose glibc is new enough. The bytes depend on the commit, the tool, the models and those libraries alone.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."
tool=.build/release/majortom
out=.build/package
version=$("$tool" --version | awk 'NR == 1 { print $2 }')
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
maintainer=$(sed -n 's/^Maintainer: //p' packaging/control.in)

# libraries FOLDER: what the tool is linked with but for glibc, and the terms of each into FOLDER/../../copyrights.
libraries() {
  mkdir -p "$1" "$out/copyrights"
  ldd "$tool" | awk '/=> \// { print $1, $3 }' | sort | while read -r name path; do
    case $name in
      ld-linux*|libc.so.*|libm.so.*|libmvec.so.*|libdl.so.*|libpthread.so.*|librt.so.*|libresolv.so.*|libutil.so.*) continue ;;
      libswift*|libFoundation*|libdispatch*|libBlocksRuntime*)
        echo "package.sh: $tool needs $name, so Swift's runtime is not in it: make build" >&2; exit 1 ;;
    esac
    install -m 644 "$path" "$1/$name"
    package=$(dpkg -S "*/$(basename "$(readlink -f "$path")")" | head -n 1 | cut -d: -f1)
    cp "/usr/share/doc/$package/copyright" "$out/copyrights/$package"
  done
}

# needed FILE...: the least glibc with which all of the files run.
needed() {
  objdump -T "$@" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 | cut -d_ -f2
}

# What stands in the package about who holds which rights.
copyrights() {
  cat packaging/copyright
  for file in "$out"/copyrights/*; do
    printf '\n%s\n\nOf the libraries of %s in lib/majortom, as Debian has them:\n\n' \
      "$(printf '=%.0s' {1..78})" "$(basename "$file")"
    cat "$file"
  done
}

tree() {
  make --no-print-directory -s SWIFT="${SWIFT:-swift}" SUDO_USER=nobody MPI_LIBRARY= install DESTDIR="$1" PREFIX="$2" ${3:+"ZSH=$3"}
}

debian() {
  local root=$out/debian documents=$out/debian/usr/share/doc/majortom
  tree "$PWD/$root" /usr share/zsh/vendor-completions
  mkdir -p "$root/usr/lib" "$documents" "$root/usr/share/lintian/overrides" "$root/DEBIAN"
  cp -r "$out/lib" "$root/usr/lib/majortom"
  copyrights >"$documents/copyright"
  gzip -9n <CHANGELOG.md >"$documents/changelog.gz"
  printf 'majortom (%s-1) stable; urgency=medium\n\n  * As changelog.gz says.\n\n -- %s  %s\n' \
    "$version" "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$documents/changelog.Debian.gz"
  find "$root/usr/share/man" -type f -exec gzip -9n {} +
  cp packaging/lintian-overrides "$root/usr/share/lintian/overrides/majortom"
  sed -e "s/@VERSION@/$version-1/" -e "s/@ARCHITECTURE@/$(dpkg --print-architecture)/" \
    -e "s/@SIZE@/$(du -sk --apparent-size "$root/usr" | cut -f1)/" \
    -e "s/@GLIBC@/$(needed "$tool" "$out"/lib/*)/" packaging/control.in >"$root/DEBIAN/control"
  (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
  dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$root" \
    "$out/majortom_$version-1_$(dpkg --print-architecture).deb"
}

tarball() {
  local name
  name=majortom-$version-linux-$(uname -m)
  tree "$PWD/$out/$name" ""
  cp -r "$out/lib" "$out/$name/lib.new"
  mkdir "$out/$name/lib" && mv "$out/$name/lib.new" "$out/$name/lib/majortom"
  sed "s/@GLIBC@/$(needed "$tool" "$out"/lib/*)/" packaging/README.in >"$out/$name/README"
  cp CHANGELOG.md "$out/$name/CHANGELOG"
  copyrights >"$out/$name/COPYRIGHT"
  tar -C "$out" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go=rX \
    -cf - "$name" | xz -T1 -6 >"$out/$name.tar.xz"
}

rm -rf "$out"
mkdir -p "$out"
libraries "$out/lib"
debian
tarball
(cd "$out" && sha256sum ./*.deb ./*.tar.xz)
