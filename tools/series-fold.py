#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
series-fold.py: fold what is committed on top of a patch series into the patches that introduced the lines.

Usage: series-fold.py TREE BASE END [PATH=COMMIT...]

TREE is a git repository.  BASE..END are the patches, in a line; END..HEAD is what is folded.  Prints one line for each
patch, "OLD NEW", and, if there is something that belongs to no patch, "rest NEW" for a commit of it on top of the others.

Each file is taken as the list of all lines it ever had, with the patch that added and the one that removed each.  A change
on top is entered into that list and every patch is written again from it.  So the last patch leaves exactly what the top
had, nothing can conflict, and:

- a line that is removed on top vanishes from the patch that added it;
- a line that is added goes to the patch that the lines which it replaces, or stands among, are of; if these are of
  several, to the last of them, and the earlier patches keep what they had;
- a new file, and what is changed in one that no patch changes, goes to the patch that PATH=COMMIT names, or to the rest.

Whether each patch still builds is for `tools/series.sh check` to find out.
"""

import difflib
import os
import subprocess
import sys

KEPT = 1 << 30  # removed by no patch


def git(*args, data=None, env=None):
    done = subprocess.run(["git", "-C", TREE, "-c", "core.quotePath=false", *args], input=data, capture_output=True,
                          env=env and {**os.environ, **env})
    if done.returncode:
        sys.exit(f"git {args[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def lines_of(commit, path):
    """The lines of a file, or None if it is not there.  The last one may lack its newline."""
    if not git("ls-tree", commit, "--", path):
        return None
    return git("show", f"{commit}:{path}").splitlines(keepends=True)


def mode_of(commit, path):
    entry = git("ls-tree", commit, "--", path).split()
    return entry[0].decode() if entry else None


def hunks(old, new):
    """The changes from one commit to the next, by file: (first line and number before, first line and number after)."""
    found, path = {}, None
    for line in git("diff", "--no-renames", "--histogram", "-U0", old, new).split(b"\n"):
        if line.startswith(b"diff --git "):
            path = line.split(b" b/", 1)[1].decode()
            found[path] = []
        elif line.startswith(b"@@ "):
            place = []
            for part in line.split()[1:3]:
                start, _, count = part[1:].decode().partition(",")
                count = int(count or 1)
                # A side with no lines is given by the line before it.
                place += [int(start) - 1 if count else int(start), count]
            found[path].append(tuple(place))
    return found


class Line:
    def __init__(self, text, added, removed=KEPT):
        self.text, self.added, self.removed = text, added, removed


class Weave:
    """All lines that a file ever had, in one order."""

    def __init__(self, lines):
        self.lines = [Line(text, -1) for text in lines or []]

    def live(self):
        return [n for n, line in enumerate(self.lines) if line.removed == KEPT]

    def place(self, live, number):
        """Where to put what comes before the live line with that number."""
        return live[number] if number < len(live) else len(self.lines)

    def patch(self, index, changes, after):
        """What patch number index did to the file."""
        live, out = self.live(), []
        for old, nr_old, new, nr_new in changes:
            for n in live[old:old + nr_old]:
                self.lines[n].removed = index
            # Right behind the line before it.
            at = live[old + nr_old - 1] + 1 if old + nr_old else 0
            out.append((at, [Line(text, index) for text in after[new:new + nr_new]]))
        for at, new in reversed(out):
            self.lines[at:at] = new

    def fold(self, changes, after, index=None):
        """Enter what was done on top, all of it as of patch number index if there is one."""
        live, self.wanted = self.live(), index
        for old, nr_old, new, nr_new in reversed(changes):
            self.fold_hunk(live, old, nr_old, after[new:new + nr_new])

    def fold_hunk(self, live, old, nr_old, added):
        before = live[old:old + nr_old]
        # Lines that were changed a little are of the patch that they were of, whatever stands beside them.
        if before and added:
            parts = align([self.lines[n].text for n in before], added)
        else:
            parts = [(0, nr_old, added)]
        for start, end, texts in reversed(parts):
            self.replace(live, old + start, old + end, texts)

    def replace(self, live, start, end, texts):
        gone = [self.lines[n] for n in live[start:end]]
        around = [self.lines[n] for n in live[max(start - 1, 0):end + 1]]
        if gone:
            index = max(line.added for line in gone)
        elif around and b"\n" in texts:
            # What is set apart by an empty line, as a function is, comes before the one that uses it.
            index = around[-1].added
        elif around:
            index = max(line.added for line in around)
        else:
            index = -1
        if self.wanted is not None:
            index = self.wanted
        elif index < 0:
            # The base's own lines: whoever changes the file last.
            touching = [max(line.added, line.removed if line.removed < KEPT else -1) for line in self.lines]
            index = max(touching, default=-1)
        at = live[end - 1] + 1 if end else 0
        self.lines[at:at] = [Line(text, index) for text in texts]
        for line in gone:
            # What an earlier patch has it keeps as long as what replaces it is not there.
            if not texts or line.added == index:
                line.removed = line.added if line.added >= 0 else index
            else:
                line.removed = index

    def stage(self, index):
        return [line.text for line in self.lines if line.added <= index < line.removed]


def align(old, new):
    """Pairs of runs of lines that became one another: [(start, end, new lines)], all of old and new in order."""
    parts, start, first = [], 0, 0
    for n, text in enumerate(old):
        best = difflib.get_close_matches(text, new[first:], 1, 0.7) if text.strip() else []
        if not best:
            continue
        m = new.index(best[0], first)
        if n > start or m > first:
            parts.append((start, n, new[first:m]))
        parts.append((n, n + 1, [new[m]]))
        start, first = n + 1, m + 1
    if start < len(old) or first < len(new):
        parts.append((start, len(old), new[first:]))
    return parts


def commit(tree, parent, like, message=None):
    author = git("show", "-s", "--format=%an%n%ae%n%aI%n%cn%n%ce%n%cI", like).decode().splitlines()
    names = ("AUTHOR_NAME", "AUTHOR_EMAIL", "AUTHOR_DATE", "COMMITTER_NAME", "COMMITTER_EMAIL", "COMMITTER_DATE")
    env = {f"GIT_{name}": value for name, value in zip(names, author)}
    text = message or git("show", "-s", "--format=%B", like).decode().rstrip("\n") + "\n"
    return git("commit-tree", tree, "-p", parent, "-F", "-", data=text.encode(), env=env).decode().strip()


class Trees:
    """Makes trees one after the other, in an index of its own."""

    def __init__(self, commit):
        self.env = {"GIT_INDEX_FILE": os.path.join(git("rev-parse", "--absolute-git-dir").decode().strip(), "index.fold")}
        git("read-tree", commit, env=self.env)

    def change(self, files):
        """The tree with some files' modes and contents replaced; None removes one."""
        info = []
        for path, (mode, lines) in files.items():
            if lines is None:
                info.append(f"0 {'0' * 40}\t{path}")
            else:
                blob = git("hash-object", "-w", "--stdin", data=b"".join(lines)).decode().strip()
                info.append(f"{mode} {blob}\t{path}")
        git("update-index", "--add", "--index-info", data=("\n".join(info) + "\n").encode(), env=self.env)
        return git("write-tree", env=self.env).decode().strip()

    def close(self):
        os.unlink(self.env["GIT_INDEX_FILE"])


def main(base, end, wanted):
    patches = git("rev-list", "--reverse", f"{base}..{end}").decode().split()
    number = {sha: n for n, sha in enumerate(patches)}
    placed = {}
    for path, _, sha in (arg.partition("=") for arg in wanted):
        full = git("rev-parse", "--verify", f"{sha}^{{commit}}").decode().strip()
        if full not in number:
            sys.exit(f"{sha} is none of the patches")
        placed[path] = number[full]

    delta = hunks(end, "HEAD")
    steps = []
    for old, new in zip([base, *patches], patches):
        changes = hunks(old, new)
        steps.append(changes)
    known = {path for changes in steps for path in changes}
    touched = known | {path for path in delta if path in placed}

    weaves = {}
    for path in touched:
        weave = weaves[path] = Weave(lines_of(base, path))
        for n, changes in enumerate(steps):
            if path in changes:
                weave.patch(n, changes[path], lines_of(patches[n], path) or [])
        if path in placed and lines_of(end, path) is None:
            weave.lines = [Line(text, placed[path]) for text in lines_of("HEAD", path)]
        elif path in delta and path in touched:
            weave.fold(delta[path], lines_of("HEAD", path) or [], placed.get(path) if path not in known else None)

    trees = Trees(base)
    modes = {path: mode_of("HEAD", path) or mode_of(end, path) or "100644" for path in touched}
    parent, stages = git("rev-parse", base).decode().strip(), {path: lines_of(base, path) for path in touched}
    for n, sha in enumerate(patches):
        files = {}
        for path, weave in weaves.items():
            now = weave.stage(n) or None
            if now != stages[path]:
                files[path] = (modes[path], now)
                stages[path] = now
        if files:
            parent = commit(trees.change(files), parent, sha)
        print(sha, parent)

    trees.close()
    # What the base has and no patch changes, and files of no patch.
    left = git("rev-parse", "HEAD^{tree}").decode().strip()
    if left != git("rev-parse", f"{parent}^{{tree}}").decode().strip():
        message = git("log", "--reverse", "--format=%B", f"{end}..HEAD").decode().strip() + "\n"
        print("rest", commit(left, parent, "HEAD", message))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__.strip().split("\n")[2])
    TREE = sys.argv[1]
    main(sys.argv[2], sys.argv[3], sys.argv[4:])
