#!/bin/sh
# Builds dist/churn-0.3.0-py3-none-any.whl from the commit that is checked out, with git alone: a wheel is a zip, and
# `git archive` writes the same bytes for the same commit on every machine.
set -eu
cd "$(dirname "$0")/.."
name=churn version=0.3.0
info="$name-$version.dist-info"
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
  HEAD churn
