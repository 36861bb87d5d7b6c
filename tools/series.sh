#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# series.sh: convert the patch series to a git tree and back to files, and check it.
# Usage: tools/series.sh edit|save|verify|check|fold [PATH=COMMIT...]
#   edit     make build/patches-tree: tag "base" is the clean source, branch "series" has one commit for each patch, and
#            branch "end/FOLDER" is the last of each folder of patches/
#   save     write that branch back to patches/; cover letters keep their text
#   fold     fold commits on top of the last folder into the patches that introduced the changed lines; a new file goes to
#            the commit that PATH=COMMIT names
#   verify   apply the series with git am, as a whole and each capability by itself, write it again, and run checkpatch
#            --strict on every patch (seconds)
#   check    build a kernel after every patch, one with each capability by itself, one with the options of the series off,
#            and one with the sample and the examples in the documentation (slow; continues an interrupted check)
# PATCHES_TREE=DIR uses another tree instead of build/patches-tree.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/kbuild.sh
source "$TOP/tools/kbuild.sh"
# shellcheck source=tools/verdicts.sh
source "$TOP/tools/verdicts.sh"

tree=${PATCHES_TREE:-$BUILD/patches-tree}
list=$TOP/patches/series
# The most insertions and deletions of C in a patch, so that it can be reviewed. The abstraction in Rust is new files.
MAX_PATCH=450
# The folders that come before all capabilities; each capability must work with only these.
COMMON=(fixes base)
CAPABILITIES=(dirty recharge payments)

# The hashes of commits made here do not depend on the user or the time.
export GIT_COMMITTER_NAME=memcg-knobs GIT_COMMITTER_EMAIL=memcg-knobs@localhost
commit_base() {
	git "$@" -c user.name="$GIT_COMMITTER_NAME" -c user.email="$GIT_COMMITTER_EMAIL" -c gc.auto=0 \
		commit -q -m "Linux 7.3 as released" --date='2000-01-01T00:00:00Z'
}

# folders: print the folders in patches/series, in its order.
folders() {
	series_list | sed 's:/.*::' | uniq
}

# apply_series TREE PATCH...: apply the patches, and set branch end/FOLDER to the last patch of each folder.
apply_series() {
	local folder patch of=()
	for folder in $(folders); do
		of=()
		for patch in "${@:2}"; do
			[[ $(basename "$(dirname "$patch")") != "$folder" ]] || of+=("$patch")
		done
		((${#of[@]} == 0)) || git -C "$1" -c gc.auto=0 am -q --committer-date-is-author-date "${of[@]}" || return
		git -C "$1" branch -q -f "end/$folder"
	done
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
	# A rebase also moves the branches end/FOLDER.
	git -C "$tree" config rebase.updateRefs true
	apply_series "$tree" "${patches[@]}"
	step series "${#patches[@]} patches are on branch \"series\" of $tree; \`make patches-save\` writes them back"
}

# cover_text COVER: subject, empty line and text of a cover letter, without what format-patch adds below.
cover_text() {
	awk '
		!body && /^$/ { body = 1; print subject; print ""; next }
		!body && /^Subject: / { sub(/^Subject: (\[[^]]*\] )?/, ""); subject = $0; folded = 1; next }
		!body && folded && /^ / { subject = subject $0; next }
		!body { folded = 0; next }
		/^[^ ].* \([0-9]+\):$/ { exit }
		{ print }
	' "$1"
}

# format_series TREE OUT: write TREE's branch as patches to folders of the directory OUT, with the current text of the cover
# letters, and the list of patches. The needed capabilities of a patch are kept as long as its subject is the same.
format_series() {
	local folder since=base cover text patch needs last
	sed '/^#/!d' "$list" >"$2/series"
	for folder in $(folders); do
		cover=$TOP/patches/$folder/0000-cover-letter.patch
		text=""
		[[ ! -e $cover ]] || text=$(cover_text "$cover")
		# A cover letter has the date and author of the last patch, so that saving twice changes nothing.
		last=$(git -C "$1" log -1 --format='%an%n%ae%n%aI' "end/$folder")
		(
			{
				IFS= read -r GIT_COMMITTER_NAME
				IFS= read -r GIT_COMMITTER_EMAIL
				IFS= read -r GIT_COMMITTER_DATE
			} <<<"$last"
			export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_DATE
			git -C "$1" -c "branch.end/$folder.description=$text" -c core.abbrev=12 -c diff.algorithm=histogram \
				format-patch -q -N --zero-commit --no-signature --cover-letter \
				--cover-from-description=subject -o "$2/$folder" "$since..end/$folder"
		)
		since=end/$folder
		for patch in "$2/$folder"/*.patch; do
			patch=${patch##*/}
			[[ $patch != 0000-* ]] || continue
			needs=$(series_list | sed -nE "s:^$folder/[0-9]+-${patch#*-} +::p")
			echo "$folder/$patch${needs:+ $needs}"
		done >>"$2/series"
	done
}

# whole TREE: die unless the tree exists and has no operation in progress.
whole() {
	[[ -d $1/.git ]] || die series "there is no $1" "\`make patches-edit\` makes it."
	git -C "$1" symbolic-ref -q HEAD >/dev/null || die series "$1 is in the middle of something: finish it"
	[[ ! -d $1/.git/rebase-apply ]] || die series "$1 is in the middle of git am: finish it"
	[[ -z $(git -C "$1" status --porcelain) ]] || die series "$1 has changes, or new files, that are not committed"
}

save() {
	local new top
	whole "$tree"
	top=$(folders | tail -n 1)
	[[ $(git -C "$tree" rev-parse HEAD) == $(git -C "$tree" rev-parse "end/$top") ]] ||
		die series "$tree has commits behind branch end/$top" \
			"\`tools/series.sh fold\` puts them into the patches; \`git branch -f end/$top\` makes them patches."
	mkdir -p "$TOP/patches"
	new=$(mktemp -d "$TOP/patches/.new.XXXXXX")
	format_series "$tree" "$new"
	for folder in $(folders); do
		rm -rf "$TOP/patches/$folder"
		mv "$new/$folder" "$TOP/patches/"
	done
	mv "$new/series" "$list"
	rmdir "$new"
	step series "$(series_patches | wc -l) patches written to patches/"
}

fold() {
	local top old new
	local -A became=()
	whole "$tree"
	top=$(folders | tail -n 1)
	while read -r old new; do
		became[$old]=$new
	done < <("$TOP/tools/series-fold.py" "$tree" base "end/$top" "$@" || echo failed)
	[[ ! ${became[failed]+set} ]] || die series "nothing was changed"
	for folder in $(folders); do
		old=$(git -C "$tree" rev-parse "end/$folder")
		git -C "$tree" branch -q -f "end/$folder" "${became[$old]}"
	done
	# The work tree does not change.
	git -C "$tree" reset -q --soft "${became[rest]:-end/$top}"
	[[ ! ${became[rest]:-} ]] || step series "what belongs to no patch is a commit on top: \`git show --stat\`"
	step series "folded; \`make patches-save\` writes it, \`make patches-check\` says whether every patch builds still"
}

verify() {
	local source work patch log size folder cover capability some failed=0
	((${#patches[@]})) || die series "patches/ is empty"
	source=$("$TOP/tools/source.sh")
	mkdir -p "$BUILD"
	work=$(mktemp -d "$BUILD/series.XXXXXX")
	# shellcheck disable=SC2064 # Now is when the name is known.
	trap "rm -rf '$work'" EXIT

	# To check that the series applies, the files that it touches and git's attributes for functions are enough.
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
	# First each capability alone, then all of them.
	for capability in "${CAPABILITIES[@]}" ""; do
		git -C "$work/tree" checkout -q -B series base
		mapfile -t some < <(series_patches ${capability:+"${COMMON[@]}" "$capability"})
		if apply_series "$work/tree" "${some[@]}" 2>&1; then
			echo "ok - git am applies ${#some[@]} patches to the clean base${capability:+: $capability alone}"
		else
			git -C "$work/tree" am -q --abort || true
			echo "not ok - git am fails on the clean base${capability:+: $capability alone}"
			failed=1
		fi
	done
	mkdir "$work/saved"
	(format_series "$work/tree" "$work/saved")
	if diff -r --exclude='.*' "$TOP/patches" "$work/saved"; then
		echo "ok - saving what was applied changes nothing"
	else
		echo "not ok - saving what was applied changes nothing"
		failed=1
	fi

	# checkpatch leaves a file in its current directory, which must not be the clean source.
	for patch in "${patches[@]}"; do
		# The upstream commit that a Fixes: names is in no repository here.
		if log=$(cd "$work/cwd" && perl "$source/scripts/checkpatch.pl" --root="$source" --strict --quiet \
			--ignore UNKNOWN_COMMIT_ID "$patch"); then
			echo "ok - checkpatch ${patch#"$TOP/patches/"}"
		else
			printf 'not ok - checkpatch %s\n%s\n' "${patch#"$TOP/patches/"}" "$log"
			failed=1
		fi
		size=$(git apply --numstat "$patch" | awk '$3 ~ /\.[ch]$/ { n += $1 + $2 } END { print n + 0 }')
		if ((size > MAX_PATCH)); then
			echo "not ok - ${patch#"$TOP/patches/"} changes $size lines of C, more than $MAX_PATCH"
			failed=1
		fi
	done
	for folder in $(folders); do
		cover=$TOP/patches/$folder/0000-cover-letter.patch
		if [[ ! -e $cover ]] || grep -q '^\*\*\* BLURB HERE' "$cover"; then
			echo "not ok - patches/$folder/0000-cover-letter.patch has no text"
			failed=1
		fi
	done
	return "$failed"
}

# check_build NAME [OPTION=VALUE...]: build $src, which has the patches in $applied, unless that has succeeded before. Files
# that the last patch touches are compiled even if the kernel's configuration excludes them.
check_build() {
	local name=$1 key file left_out=()
	key=$({ basename "$source"; patch_content "${applied[@]}"; how_built check "${@:2}"; } | hash)
	if verdict "$key" >/dev/null; then
		step series "$name (cached)"
		return
	fi
	step series "$name"
	configure "$src" "$src/out" check "${@:2}"
	run_make "$name" 0 700 "$src/out/build.log" \
		"${KMAKE[@]}" -C "$src" "O=$src/out" "-j$JOBS" bzImage
	while read -r file; do
		(($# > 1)) || [[ -e $src/out/${file%.c}.o ]] || left_out+=("${file%.c}.o")
	done < <(sed -nE 's:^\+\+\+ b/((block|fs|kernel|mm)/.*\.c)$:\1:p' "${applied[-1]}")
	if ((${#left_out[@]} > 0)); then
		# With the release kernel's configuration, because they may need other options; but they do not need Rust.
		configure "$src" "$src/out-left" release CONFIG_RUST=n
		run_make "$name: ${left_out[*]}" 0 "${#left_out[@]}" "$src/out-left/build.log" \
			"${KMAKE[@]}" -C "$src" "O=$src/out-left" "-j$JOBS" "${left_out[@]}"
	fi
	keep_verdict "$key" <<<"$name"
}

# fresh_source: make $src the clean source.
fresh_source() {
	rm -rf "${src%/src}"
	mkdir -p "${src%/src}"
	copy_source "$source" "$src"
	applied=()
}

check() {
	local source src patch applied=() option capability some
	toolchain
	source=$("$TOP/tools/source.sh")
	src=$CACHE/kernel/check/src
	lock series "$CACHE/kernel/check.lock"
	for capability in "${CAPABILITIES[@]}"; do
		fresh_source
		mapfile -t some < <(series_patches "${COMMON[@]}" "$capability")
		for patch in "${some[@]}"; do
			apply_patch "$src" "$patch"
			applied+=("$patch")
		done
		check_build "$capability alone"
	done
	fresh_source
	for patch in "${patches[@]}"; do
		apply_patch "$src" "$patch"
		applied+=("$patch")
		check_build "${#applied[@]} of ${#patches[@]}: ${patch#"$TOP/patches/"}"
	done
	# The patches add options, so only now do all of them exist.
	configure "$src" "$src/out" check
	check_config "$src/out"
	# The stubs in the headers of the series, for kernels that are built without it.
	for option in CONFIG_MEMCG_POLICY=n CONFIG_MEMCG=n; do
		check_build "all of them, with $option" "$option"
	done
	# The sample, and the examples in the abstraction's documentation, which the kernel's own tooling turns into tests.
	check_build "all of them, with sample and examples" CONFIG_SAMPLES=y CONFIG_SAMPLES_RUST=y \
		CONFIG_SAMPLE_RUST_MEMCG_POLICY=y CONFIG_KUNIT=y CONFIG_RUST_KERNEL_DOCTESTS=y
	rm -rf "${src%/src}"
	step series "every one of ${#patches[@]} patches builds, each capability alone, and all without their options"
}

mapfile -t patches < <(series_patches)
case ${1:-} in
edit | save | verify | check) "$1" ;;
fold) "$@" ;;
*) die series "usage: tools/series.sh edit|save|verify|check|fold [PATH=COMMIT...]" ;;
esac
