#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# series.sh: the patch series as a git tree to work in, back to files, and whether it is in order.
# Usage: tools/series.sh edit|save|verify|check
#   edit     make build/patches-tree: tag "base" is the clean source, branch "series" has one commit for each patch
#   save     write that branch back to patches/; the cover letter keeps its text
#   verify   apply the series with git am, write it again, and run checkpatch --strict on every patch (seconds)
#   check    build a kernel after every single patch, and one without what the series adds (slow; goes on where an
#            earlier one ended)
# PATCHES_TREE=DIR works in another tree than build/patches-tree.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/kbuild.sh
source "$TOP/tools/kbuild.sh"
# shellcheck source=tools/verdicts.sh
source "$TOP/tools/verdicts.sh"

tree=${PATCHES_TREE:-$BUILD/patches-tree}
cover=$TOP/patches/0000-cover-letter.patch

# Commits made here are the same whoever makes them and whenever, as far as git's hashes are concerned.
export GIT_COMMITTER_NAME=memcg-knobs GIT_COMMITTER_EMAIL=memcg-knobs@localhost
commit_base() {
	git "$@" -c user.name="$GIT_COMMITTER_NAME" -c user.email="$GIT_COMMITTER_EMAIL" -c gc.auto=0 \
		commit -q -m "Linux 7.3 as released" --date='2000-01-01T00:00:00Z'
}

apply_series() {
	git -C "$1" -c gc.auto=0 am -q --committer-date-is-author-date "${patches[@]}"
}

# base_repository: print a bare repository that holds the clean source as its one commit, made on first use.
base_repository() {
	local source repository
	source=$("$TOP/tools/source.sh")
	repository=$CACHE/base/$(basename "$source").git
	if [[ ! -d $repository ]]; then
		lock series "$CACHE/base/.lock" >&2
		rm -rf "$CACHE"/base/*.new
	fi
	if [[ ! -d $repository ]]; then
		step series "putting the clean source into a git repository" >&2
		git init -q --bare -b series "$repository.new"
		# The threshold sends every file straight into one pack, instead of 90,000 of them into files of their own.
		git -c core.bigFileThreshold=1 -c core.compression=1 --git-dir="$repository.new" --work-tree="$source" add -A -f .
		GIT_COMMITTER_DATE='2000-01-01T00:00:00Z' commit_base --git-dir="$repository.new" --work-tree="$source"
		git --git-dir="$repository.new" tag base
		rm "$repository.new/index"
		mv -T "$repository.new" "$repository"
	fi
	echo "$repository"
}

edit() {
	local repository
	[[ ! -e $tree ]] || die series "$tree is there already" \
		"Work in it and \`make patches-save\`, or remove it to start again from patches/."
	repository=$(base_repository)
	step series "checking out $tree"
	mkdir -p "$(dirname "$tree")"
	git clone -q "$repository" "$tree"
	git -C "$tree" remote remove origin
	((${#patches[@]} == 0)) || apply_series "$tree"
	step series "${#patches[@]} patches are on branch \"series\" of $tree; \`make patches-save\` writes them back"
}

# cover_text: subject, empty line and text of the present cover letter, without what format-patch adds below.
cover_text() {
	awk '
		!body && /^$/ { body = 1; print subject; print ""; next }
		!body && /^Subject: / { sub(/^Subject: (\[[^]]*\] )?/, ""); subject = $0; folded = 1; next }
		!body && folded && /^ / { subject = subject $0; next }
		!body { folded = 0; next }
		/^[^ ].* \([0-9]+\):$/ { exit }
		{ print }
	' "$cover"
}

# format_series TREE OUT: TREE's branch as patches in the directory OUT, with the cover letter's present text.
format_series() {
	local branch text="" last
	branch=$(git -C "$1" symbolic-ref --short HEAD)
	last=$(git -C "$1" log -1 --format='%an%n%ae%n%aI')
	[[ ! -e $cover ]] || text=$(cover_text)
	# The cover letter is dated and signed as the last patch is, so that saving twice changes nothing.
	{
		IFS= read -r GIT_COMMITTER_NAME
		IFS= read -r GIT_COMMITTER_EMAIL
		IFS= read -r GIT_COMMITTER_DATE
	} <<<"$last"
	export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE
	git -C "$1" -c "branch.$branch.description=$text" -c core.abbrev=12 -c diff.algorithm=histogram \
		format-patch -q -N --zero-commit --no-signature --cover-letter --cover-from-description=subject \
		-o "$2" base
}

save() {
	local new
	[[ -d $tree/.git ]] || die series "there is no $tree" "\`make patches-edit\` makes it."
	git -C "$tree" symbolic-ref -q HEAD >/dev/null || die series "$tree is in the middle of something: finish it"
	[[ ! -d $tree/.git/rebase-apply ]] || die series "$tree is in the middle of git am: finish it"
	[[ -z $(git -C "$tree" status --porcelain) ]] || die series "$tree has changes, or new files, that are not committed"
	mkdir -p "$TOP/patches"
	new=$(mktemp -d "$TOP/patches/.new.XXXXXX")
	format_series "$tree" "$new"
	rm -f "$TOP"/patches/[0-9]*.patch
	mv "$new"/*.patch "$TOP/patches/"
	rmdir "$new"
	step series "$(series_patches | wc -l) patches written to patches/"
}

verify() {
	local source work patch log failed=0
	((${#patches[@]})) || die series "patches/ is empty"
	source=$("$TOP/tools/source.sh")
	mkdir -p "$BUILD"
	work=$(mktemp -d "$BUILD/series.XXXXXX")
	# shellcheck disable=SC2064 # Now is when the name is known.
	trap "rm -rf '$work'" EXIT

	# To see whether the series applies, the files it touches are enough, and the one that says how functions are found.
	mkdir "$work/tree" "$work/cwd"
	{
		echo .gitattributes
		awk '/^diff --git a\// { print substr($3, 3); print substr($4, 3) }' "${patches[@]}"
	} | sort -u |
		while read -r path; do
			[[ ! -e $source/$path ]] || echo "$path"
		done | tar -C "$source" -c -T - | tar -C "$work/tree" -x
	git init -q -b series "$work/tree"
	git -C "$work/tree" add -A -f
	commit_base -C "$work/tree"
	git -C "$work/tree" tag base
	if apply_series "$work/tree" 2>&1; then
		echo "ok - git am applies ${#patches[@]} patches to the clean base"
	else
		echo "not ok - git am fails on the clean base"
		failed=1
	fi
	mkdir "$work/saved"
	(format_series "$work/tree" "$work/saved")
	if diff -r --exclude='.*' "$TOP/patches" "$work/saved"; then
		echo "ok - saving what was applied changes nothing"
	else
		echo "not ok - saving what was applied changes nothing"
		failed=1
	fi

	# checkpatch leaves a file behind where it runs, which must not be the clean source.
	for patch in "${patches[@]}"; do
		if log=$(cd "$work/cwd" && perl "$source/scripts/checkpatch.pl" --root="$source" --strict --quiet "$patch"); then
			echo "ok - checkpatch $(basename "$patch")"
		else
			printf 'not ok - checkpatch %s\n%s\n' "$(basename "$patch")" "$log"
			failed=1
		fi
	done
	if [[ ! -e $cover ]] || grep -q '^\*\*\* BLURB HERE' "$cover"; then
		echo "not ok - patches/0000-cover-letter.patch has no text"
		failed=1
	fi
	return "$failed"
}

# check_build COUNT NAME [OPTION=VALUE...]: build $src, which has the first COUNT patches, unless that has ended well before.
# What the last of them touches is compiled even if that kernel's configuration leaves it out.
check_build() {
	local name=$2 key file left_out=()
	key=$({ basename "$source"; patch_content "${patches[@]:0:$1}"; how_built check "${@:3}"; } | hash)
	if verdict "$key" >/dev/null; then
		step series "$name (cached)"
		return
	fi
	step series "$name"
	configure "$src" "$src/out" check "${@:3}"
	run_make "$name" 0 700 "$src/out/build.log" \
		"${KMAKE[@]}" -C "$src" "O=$src/out" "-j$JOBS" bzImage
	while read -r file; do
		(($# > 2)) || [[ -e $src/out/${file%.c}.o ]] || left_out+=("${file%.c}.o")
	done < <(sed -nE 's:^\+\+\+ b/(.*\.c)$:\1:p' "${patches[$1 - 1]}")
	if ((${#left_out[@]} > 0)); then
		# As the release kernel has them, for they may need more than their own options. Those of Rust they do not.
		configure "$src" "$src/out-left" release CONFIG_RUST=n
		run_make "$name: ${left_out[*]}" 0 "${#left_out[@]}" "$src/out-left/build.log" \
			"${KMAKE[@]}" -C "$src" "O=$src/out-left" "-j$JOBS" "${left_out[@]}"
	fi
	keep_verdict "$key" <<<"$name"
}

check() {
	local source src patch count=0 option
	toolchain
	source=$("$TOP/tools/source.sh")
	src=$CACHE/kernel/check/src
	lock series "$CACHE/kernel/check.lock"
	rm -rf "${src%/src}"
	mkdir -p "${src%/src}"
	copy_source "$source" "$src"
	for patch in "${patches[@]}"; do
		count=$((count + 1))
		apply_patch "$src" "$patch"
		check_build "$count" "$count of ${#patches[@]}: $(basename "$patch")"
	done
	# Options come with the patches, so only now can all of them be there.
	configure "$src" "$src/out" check
	check_config "$src/out"
	# What the series' headers offer instead, where a kernel is built without it.
	for option in CONFIG_MEMCG_EXT=n CONFIG_MEMCG=n; do
		check_build "$count" "all of them, with $option" "$option"
	done
	rm -rf "${src%/src}"
	step series "every one of ${#patches[@]} patches builds, and the last one without its options"
}

mapfile -t patches < <(series_patches)
case ${1:-} in
edit | save | verify | check) "$1" ;;
*) die series "usage: tools/series.sh edit|save|verify|check" ;;
esac
