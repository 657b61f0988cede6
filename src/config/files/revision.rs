//! What git calls the state of a directory, read from git's own files: no git is run.

use std::path::{Path, PathBuf};

use super::confined;
use super::snapshot::Root;

/// The commit of HEAD; else the name of the directory that git-sync's link led to; else nothing.
pub(super) fn of(root: &Root) -> String {
    if let Some(commit) = git_directory(&root.resolved).and_then(|git| head(&git)) {
        return commit;
    }
    let linked =
        root.absolute.ancestors().find(|path| path.is_symlink()).and_then(|link| std::fs::read_link(link).ok());
    let name = linked.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| is_commit(name)).unwrap_or_default()
}

/// The lock that a git command at work holds.
pub(super) fn index_lock(root: &Path) -> Option<PathBuf> {
    let lock = git_directory(root)?.join("index.lock");
    lock.exists().then_some(lock)
}

/// `.git` of the nearest directory above; in worktrees and submodules a file that names the place.
fn git_directory(root: &Path) -> Option<PathBuf> {
    let git = root.ancestors().map(|directory| directory.join(".git")).find(|git| git.exists())?;
    if git.is_dir() {
        return Some(git);
    }
    let named = text(&git)?.strip_prefix("gitdir:")?.trim().to_owned();
    Some(git.parent()?.join(named))
}

fn head(git: &Path) -> Option<String> {
    let head = text(&git.join("HEAD"))?;
    let Some(reference) = head.strip_prefix("ref:") else {
        return is_commit(&head).then_some(head);
    };
    let reference = reference.trim();
    if reference.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return None;
    }
    let common = text(&git.join("commondir")).map_or_else(|| git.to_owned(), |common| git.join(common));
    let loose = [git.join(reference), common.join(reference)].iter().find_map(|path| text(path));
    let packed = || {
        let packed = text(&common.join("packed-refs"))?;
        let line = packed.lines().find(|line| line.split_once(' ').is_some_and(|(_, name)| name == reference))?;
        line.split_once(' ').map(|(commit, _)| commit.to_owned())
    };
    loose.or_else(packed).filter(|commit| is_commit(commit))
}

fn text(path: &Path) -> Option<String> {
    let bytes = confined::read_regular(path, 1 << 20).ok()?;
    String::from_utf8(bytes).ok().map(|text| text.trim().to_owned())
}

fn is_commit(text: &str) -> bool {
    (text.len() == 40 || text.len() == 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn revision(path: &Path) -> String {
        of(&Root::resolve(path).unwrap())
    }

    #[test]
    fn the_revision_is_found_loose_packed_detached_and_in_a_worktree() {
        let dir = tempfile::tempdir().unwrap();
        let (root, git) = (dir.path().join("otj.d"), dir.path().join(".git"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(git.join("refs/heads")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        assert_eq!(revision(&root), "");
        fs::write(git.join("packed-refs"), format!("# pack-refs\n{COMMIT} refs/heads/main\n")).unwrap();
        assert_eq!(revision(&root), COMMIT);
        let newer = COMMIT.replace('0', "f");
        fs::write(git.join("refs/heads/main"), format!("{newer}\n")).unwrap();
        assert_eq!(revision(&root), newer);
        fs::write(git.join("HEAD"), COMMIT).unwrap();
        assert_eq!(revision(&root), COMMIT);
    }

    #[test]
    fn the_name_of_the_linked_checkout_serves_where_git_is_not() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(COMMIT).join("otj.d")).unwrap();
        symlink(COMMIT, dir.path().join("current")).unwrap();
        assert_eq!(revision(&dir.path().join("current/otj.d")), COMMIT);
        assert_eq!(revision(&dir.path().join(COMMIT)), "");
    }
}
