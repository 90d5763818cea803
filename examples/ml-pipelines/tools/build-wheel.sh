#!/bin/sh
# Builds dist/churn-0.3.0-py3-none-any.whl with git alone: a wheel is a zip, and `git archive` writes the same bytes on
# every machine. The time in it is a commit's, so the package alone is wrapped into a commit of a fixed day: the
# wheel, and with it the component that carries it, changes only when the package does.
set -eu
cd "$(dirname "$0")/.."
name=churn version=0.3.0
info="$name-$version.dist-info"
export TZ=UTC
tree=$(printf '040000 tree %s\t%s\n' "$(git rev-parse --verify "HEAD:./$name")" "$name" | git mktree)
commit=$(
  export GIT_AUTHOR_NAME=wheel GIT_AUTHOR_EMAIL=wheel@localhost GIT_AUTHOR_DATE='2020-01-01T00:00:00Z'
  export GIT_COMMITTER_NAME=wheel GIT_COMMITTER_EMAIL=wheel@localhost GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
  git commit-tree "$tree" -m wheel
)
mkdir -p dist
git archive --format=zip --output="dist/$name-$version-py3-none-any.whl" \
  --add-virtual-file="$info/METADATA:Metadata-Version: 2.1
Name: $name
Version: $version
" \
  --add-virtual-file="$info/WHEEL:Wheel-Version: 1.0
Generator: git-archive
Root-Is-Purelib: true
Tag: py3-none-any
" \
  --add-virtual-file="$info/entry_points.txt:[$name]
score = $name.score:main
" \
  --add-virtual-file="$info/RECORD:" \
  "$commit" "$name"
