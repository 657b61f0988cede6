#!/bin/sh
# check.sh [BRANCH]: checks otj.d for any CI system. Leaves otj-lint.xml and otj-test.xml (JUnit) and, with a branch to compare with,
# plan.md in ./report. Ends with 0 when all is well, 1 with findings or failed cases, 2 when something could not run.
#
# In a Jenkinsfile: sh 'examples/ci/check.sh origin/main', then junit 'report/*.xml' in `post { always { … } }`.
set -u
mkdir -p report
worst=0
note() {
  [ "$1" -le "$worst" ] || worst=$1
}

otj lint otj.d --strict --format junit >report/otj-lint.xml
note $?
otj test otj.d --format junit >report/otj-test.xml
note $?

if [ $# -gt 0 ]; then
  base=$(mktemp -d)
  trap 'git worktree remove --force "$base"' EXIT
  git worktree add --quiet --detach "$base" "$1" || exit 2
  otj plan --config otj.d --against "$base/otj.d" --format markdown >report/plan.md
  [ $? -le 1 ] || note 2 # 1: something changes, which is what changes are for
fi
exit "$worst"
