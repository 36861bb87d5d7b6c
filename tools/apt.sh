# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# apt.sh: install packages without removing or downgrading any, download packages of another release without installing
# them, and turn a folder of packages into a repository for apt. Sourced, after env.sh, by deps.sh, source.sh, image.sh,
# kernel-deb.sh and tests.

# apt_obstacles PACKAGE...: print a line for each package that apt would remove or downgrade to install these, or the reason
# if it cannot install them at all. APT_OPTIONS are passed to apt.
APT_OPTIONS=()
apt_obstacles() {
	local plan
	if ! plan=$(apt-get "${APT_OPTIONS[@]}" -s -q install --no-install-recommends --allow-downgrades "$@" 2>&1); then
		grep -E '^ |^E: ' <<<"$plan" | sed -E 's/^ +//' || true
		return
	fi
	awk '
		/^Remv / { print $2, "would be removed" }
		/^The following packages will be DOWNGRADED:/ { down = 1; next }
		!/^  / { down = 0 }
		down { for (i = 1; i <= NF; i++) print $i, "would be downgraded" }' <<<"$plan"
}

# apt_get NAME PACKAGE...: install these, and remove nothing. Wait for another apt that is running.
apt_get() {
	local name=$1
	shift
	logged "$name" as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get "${APT_OPTIONS[@]}" -o DPkg::Lock::Timeout=600 install -q -y --no-install-recommends --no-remove "$@" || die "$name" "apt could not install: $*"
}

# apt_backports NAME DIRECTORY: let APT_OPTIONS prefer the release's backports. Where the system's sources do not have them,
# they are added for this, with package lists of their own in DIRECTORY; the system's sources stay as they are. Fails if
# there are no backports.
apt_backports() {
	local name=$1 at=$2 suite site list parts
	suite=$(codename)-backports
	if [[ ! $(repository "$suite") ]]; then
		site=$(repository "$(codename)")
		[[ $site ]] || return
		# apt reads one file and one directory of sources, so the system's are copied to where one more can be added.
		list=$(apt_path Dir::Etc::SourceList) parts=$(apt_path Dir::Etc::SourceParts)
		mkdir -p "$at/lists/partial"
		cp -rL "$parts" "$at/parts" 2>/dev/null || mkdir -p "$at/parts"
		[[ ! -e $list ]] || cp "$list" "$at/parts/system.list"
		echo "deb [signed-by=$(archive_keyring)] $site $suite main" >"$at/parts/memcg-knobs-backports.list"
		APT_OPTIONS=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$at/parts" -o "Dir::State::Lists=$at/lists")
		logged "$name" as_root apt-get "${APT_OPTIONS[@]}" -q update || return
	fi
	APT_OPTIONS+=(-t "$suite")
}

# apt_path OPTION: a path of apt's configuration.
apt_path() {
	local path
	eval "$(apt-config shell path "$1/f")"
	echo "$path"
}

# from_backports NAME PACKAGE...: install these from the release's backports if there are no obstacles.
from_backports() (
	name=$1
	shift
	at=$(mktemp -d)
	# The files that apt leaves there belong to root.
	trap 'as_root rm -rf "$at"' EXIT
	chmod 755 "$at"
	apt_backports "$name" "$at" && [[ ! $(apt_obstacles "$@") ]] || exit
	step "$name" "installing from backports, because packages installed from there are in the way of the release's own: $*"
	apt_get "$name" "$@"
)

# apt_install NAME PACKAGE...: install these without removing or downgrading anything. A package for which that is impossible
# is installed from backports if possible. If a package cannot be installed at all, nothing is installed, and the message
# names the obstacles.
apt_install() {
	local name=$1 package line words=() plain=() blocked=()
	shift
	# Outdated lists may be good enough, and without a network the packages may still be at hand.
	logged "$name" as_root apt-get -q update || step "$name" "the package lists could not be updated"
	for package in "$@"; do
		if [[ $(apt_obstacles "$package") ]]; then blocked+=("$package"); else plain+=("$package"); fi
	done
	if [[ ! $(apt_obstacles "${plain[@]}") ]] && { ((${#blocked[@]} == 0)) || from_backports "$name" "${blocked[@]}"; }; then
		((${#plain[@]} == 0)) || apt_get "$name" "${plain[@]}"
		return
	fi
	for package in "$@"; do
		while IFS= read -r line; do
			words+=("to install $package: $line")
		done < <(apt_obstacles "$package")
	done
	# Each package alone may be installable, while two of them conflict.
	((${#words[@]})) || mapfile -t words < <(apt_obstacles "$@")
	die "$name" "nothing was installed, because something is in the way and installed packages are not removed or downgraded:" \
		"${words[@]}" "Resolve this with \`apt install\`, choosing versions that fit together, then run this again."
}

# The release's name, and the key that its Release files are signed with.
codename() {
	# shellcheck source=/dev/null
	(source /etc/os-release && echo "${VERSION_CODENAME:-}")
}
archive_keyring() {
	local keyring
	for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		[[ -e $keyring ]] && break
	done
	echo "$keyring"
}

# repository CODENAME: the address of the Debian mirror that the system's sources name for that release. This project names no
# mirrors.
repository() {
	# shellcheck disable=SC2016 # apt expands it.
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' "Codename: $1" | sed -n 1p
}
mirror() {
	repository "$(codename)"
}

# fetch_package NAME DIRECTORY SUITE PACKAGE: download the package into DIRECTORY, and print its path. apt uses a separate
# configuration there: the system's package lists and sources stay as they are. Release files are checked against Debian's
# archive key, the package against the Release file. Fails if the package is not available.
fetch_package() {
	local name=$1 at=$2 suite=$3 package=$4 site apt
	site=$(mirror)
	# Without package lists, which may have been removed to save space, apt cannot name its mirror.
	[[ $site ]] || { logged "$name" as_root apt-get -q update && site=$(mirror); }
	[[ $site ]] || { step "$name" "apt has no Debian mirror (\`apt-get indextargets\` prints none)" >&2 && return 1; }
	mkdir -p "$at"/lists/partial "$at"/cache/archives/partial
	echo "deb [signed-by=$(archive_keyring)] $site $suite main" >"$at/sources.list"
	apt=(apt-get -q -o "Dir::Etc::SourceList=$at/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State::Lists=$at/lists" -o "Dir::Cache=$at/cache" -o Acquire::Languages=none
		-o "APT::Sandbox::User=$(id -un)" -o APT::Get::AllowUnauthenticated=false)
	logged "$name" "${apt[@]}" update && (cd "$at" && logged "$name" "${apt[@]}" download "$package") &&
		compgen -G "$at/${package}_*.deb"
}

# package_has PACKAGE PATTERN: whether the path of a file in it matches. All of the list is read, because tar fails if nobody
# reads on, as after grep -q.
package_has() {
	dpkg-deb --fsys-tarfile "$1" | tar -t | grep -- "$2" >/dev/null
}

# make_repository DIRECTORY: turn a directory of packages into a repository, and write memcg-knobs.list, an entry for apt's
# sources. The packages are not signed; they are trusted because the user who copies that file has built them.
make_repository() {
	local file
	(
		cd "$1" || exit
		rm -f Packages Packages.gz Release memcg-knobs.list
		dpkg-scanpackages --multiversion . 2>/dev/null >Packages
		gzip -9 -n -k Packages
		{
			printf '%s\n' 'Origin: memcg-knobs' 'Label: memcg-knobs' 'Suite: memcg-knobs' "Date: $(date -u -R)" 'SHA256:'
			for file in Packages Packages.gz; do
				echo " $(sha256sum <"$file" | cut -d ' ' -f 1) $(stat -c %s "$file") $file"
			done
		} >Release
		echo "deb [trusted=yes] file:$PWD ./" >memcg-knobs.list
	)
}
