//! The cache folder: what is kept in it, and what another user could put there.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::{
    fs::{self, Permissions},
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lockstep_edge_host::{Config, Instances};
use lockstep_module::Sequence;
use sha2::{Digest, Sha256};
use stand_in::Folder;

/// A user that this process is not.
const STRANGER: u32 = 4242;
/// A file that belongs to this process's user and has nothing to do with the cache.
const VICTIM: &str = "important";

/// A module, a model and the path of a cache folder.
struct Place {
    folder: Folder,
    config: Config,
    cache: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = Folder::new();
        let cache = folder.0.join("cache");
        let mut config = folder.furnish("model");
        config.cache_dir = Some(cache.clone());
        fs::write(folder.0.join("victim"), VICTIM).unwrap();
        Self { folder, config, cache }
    }

    /// A place whose daemon has started once.
    fn used() -> Self {
        let place = Self::new();
        place.start();
        place
    }

    fn victim(&self) -> PathBuf {
        self.folder.0.join("victim")
    }

    fn is_victim_intact(&self) -> bool {
        fs::read_to_string(self.victim()).unwrap() == VICTIM
    }

    /// Encodes a sequence as a new daemon does; gives the number of sequences so far.
    fn start(&self) -> i32 {
        let instances = Instances::prepare(&self.config).unwrap();
        let deadline = Instant::now() + Duration::from_secs(25);
        let sequence = Sequence { ids: &[67], type_ids: &[0] };
        let vectors = instances.open().unwrap().encode(&[sequence], deadline).unwrap();
        vectors[0][3]
    }

    fn refusal(&self) -> String {
        let error = Instances::prepare(&self.config).err().expect("the folder is refused").to_string();
        let folder = self.config.cache_dir.as_ref().unwrap();
        assert!(error.starts_with(&format!("--cache-dir {}: ", folder.display())), "{error}");
        error
    }

    /// The compiled modules.
    fn compiled(&self) -> Vec<PathBuf> {
        let names = fs::read_dir(&self.cache).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|name| name.extension().is_some_and(|extension| extension == "cwasm")).collect()
    }

    /// The one compiled module.
    fn file(&self) -> PathBuf {
        let [file] = &self.compiled()[..] else { panic!("there is one compiled module") };
        file.clone()
    }

    fn key(&self) -> PathBuf {
        self.cache.join("key")
    }

    /// Starts a daemon; whether it compiled the module and put a new file in the old one's place.
    fn compiles_anew(&self) -> bool {
        let number = |file: &Path| fs::symlink_metadata(file).unwrap().ino();
        let file = self.file();
        // The old file stays open, so its number is not given to another.
        let open = fs::File::open(&file);
        let before = number(&file);
        assert_eq!(self.start(), 1);
        drop(open);
        let found = fs::symlink_metadata(&file).unwrap();
        assert!(found.is_file() && found.mode() & 0o777 == 0o600 && found.nlink() == 1, "{found:?}");
        number(&file) != before
    }
}

/// Whether this process may give files away. Otherwise the test is skipped, and counted.
fn may_give_away(test: &str) -> bool {
    let folder = Folder::new();
    let given = chown(&folder.0, Some(STRANGER), None);
    if let Err(error) = &given {
        let reason = format!("only root gives files to another user: {error}");
        eprintln!("skipped: {test}: {reason}");
        if let Some(list) = std::env::var_os("LOCKSTEP_SKIPPED") {
            let mut list = fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
            writeln!(list, "{test}: {reason}").unwrap();
        }
    }
    given.is_ok()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_compiled_module_is_kept() {
    let place = Place::used();
    assert_eq!(fs::metadata(&place.cache).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(place.key()).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(&place.cache).unwrap().count(), 2, "the key, the module and nothing else");
    assert!(!place.compiles_anew());
    fs::write(place.folder.0.join("model.lockstep"), "another model").unwrap();
    place.start();
    assert_eq!(place.compiled().len(), 2, "other files need another compiled module");
}

#[test]
fn a_damaged_module_is_compiled_anew() {
    let place = Place::used();
    let whole = fs::read(place.file()).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    let longer = [&whole[..], &[0]].concat();
    for bytes in [&damaged, &longer, &whole[..whole.len() - 1], &whole[..100], &whole[..10], &[]] {
        fs::write(place.file(), bytes).unwrap();
        assert!(place.compiles_anew(), "{} bytes of {}", bytes.len(), whole.len());
        assert!(!place.compiles_anew());
    }
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let place = Place::new();
    fs::create_dir(&place.cache).unwrap();
    for mode in [0o777, 0o775, 0o757, 0o1777] {
        chmod(&place.cache, mode);
        let error = place.refusal();
        let part = format!("mode {:o}; take the right to write from the others (chmod go-w)", mode & 0o777);
        assert!(error.contains(&part), "{error}");
        assert_eq!(fs::read_dir(&place.cache).unwrap().count(), 0, "nothing is written");
    }
    chmod(&place.cache, 0o755);
    assert_eq!(place.start(), 1);
    chmod(&place.cache, 0o775);
    place.refusal();
}

#[test]
fn the_program_names_the_folder_that_it_refuses() {
    let place = Place::new();
    fs::create_dir(&place.cache).unwrap();
    chmod(&place.cache, 0o777);
    let mut program = Command::new(env!("CARGO_BIN_EXE_edge-host"))
        .args(["serve", "--listen", "127.0.0.1:0", "--model"])
        .arg(&place.config.model)
        .arg("--module")
        .arg(&place.config.module)
        .arg("--cache-dir")
        .arg(&place.cache)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while program.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(60) {
            program.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = program.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains(&format!("--cache-dir {}: ", place.cache.display())), "{message}");
}

#[test]
fn only_a_folder_is_a_folder() {
    let mut place = Place::used();
    let link = place.folder.0.join("link");
    symlink(&place.cache, &link).unwrap();
    place.config.cache_dir = Some(link.clone());
    assert!(place.refusal().contains("it is a symbolic link; name the folder itself"));
    place.config.cache_dir = Some(place.victim());
    assert!(place.refusal().contains("victim is no folder"));
    place.config.cache_dir = Some(place.victim().join("cache"));
    assert!(place.refusal().contains("victim is no folder"));
    symlink(&link, place.folder.0.join("other")).unwrap();
    fs::remove_file(&link).unwrap();
    symlink("other", &link).unwrap();
    place.config.cache_dir = Some(link.join("cache"));
    assert!(place.refusal().contains("more than 1000 names"));
    assert!(place.is_victim_intact());
}

#[test]
fn the_users_own_links_on_the_way_are_followed() {
    let mut place = Place::new();
    fs::create_dir_all(place.folder.0.join("disk/a")).unwrap();
    symlink(place.folder.0.join("disk"), place.folder.0.join("absolute")).unwrap();
    symlink("../../absolute", place.folder.0.join("disk/a/relative")).unwrap();
    place.config.cache_dir = Some(place.folder.0.join("absolute/a/relative/b/../c/d"));
    place.cache = place.folder.0.join("disk/c/d");
    assert_eq!(place.start(), 1);
    assert_eq!(fs::metadata(place.folder.0.join("disk/c")).unwrap().mode() & 0o777, 0o700);
    assert!(!place.compiles_anew());
}

#[test]
fn a_folder_of_another_user_is_refused_before_a_write() {
    if !may_give_away("a_folder_of_another_user_is_refused_before_a_write") {
        return;
    }
    let place = Place::new();
    fs::create_dir(&place.cache).unwrap();
    chmod(&place.cache, 0o755);
    // The stranger knows every name that can be guessed, and lets it lead to a file of the victim
    // or to one of his own.
    let probe = place.cache.join(format!("probe-{}", std::process::id()));
    symlink(place.victim(), &probe).unwrap();
    symlink(place.victim(), place.key()).unwrap();
    chown(&place.cache, Some(STRANGER), None).unwrap();
    let error = place.refusal();
    assert!(error.contains("It belongs to user 4242 and has mode 755; name a folder that"), "{error}");
    assert!(place.is_victim_intact());
    let own = place.folder.0.join("own");
    fs::write(&own, "").unwrap();
    chown(&own, Some(STRANGER), None).unwrap();
    let _ = fs::remove_file(&probe);
    symlink(&own, &probe).unwrap();
    place.refusal();
}

#[test]
fn a_link_of_another_user_on_the_way_is_not_followed() {
    if !may_give_away("a_link_of_another_user_on_the_way_is_not_followed") {
        return;
    }
    let mut place = Place::new();
    let (private, link) = (place.folder.0.join("private"), place.folder.0.join("link"));
    fs::create_dir(&private).unwrap();
    symlink(&private, &link).unwrap();
    lchown(&link, Some(STRANGER), None).unwrap();
    place.config.cache_dir = Some(link.join("cache"));
    let error = place.refusal();
    assert!(error.contains("link on its way is a symbolic link of user 4242"), "{error}");
    assert_eq!(fs::read_dir(&private).unwrap().count(), 0, "nothing is made behind it");
}

#[test]
fn a_file_that_others_could_change_is_replaced() {
    let place = Place::used();
    for mode in [0o620, 0o602] {
        chmod(&place.file(), mode);
        assert!(place.compiles_anew());
    }
    let again = place.folder.0.join("again");
    fs::hard_link(place.file(), &again).unwrap();
    assert!(place.compiles_anew(), "a file with two names");
    if !may_give_away("a_file_that_others_could_change_is_replaced") {
        return;
    }
    chown(place.file(), Some(STRANGER), None).unwrap();
    assert!(place.compiles_anew());
    assert_ne!(fs::metadata(place.file()).unwrap().uid(), STRANGER);
    // Only root can read a key of another user at all.
    chown(place.key(), Some(STRANGER), None).unwrap();
    assert!(place.compiles_anew());
    assert_ne!(fs::metadata(place.key()).unwrap().uid(), STRANGER);
}

#[test]
fn what_a_link_leads_to_is_not_written() {
    let place = Place::used();
    for name in [place.file(), place.key()] {
        for hard in [false, true] {
            fs::remove_file(&name).unwrap();
            let link =
                if hard { fs::hard_link(place.victim(), &name) } else { symlink(place.victim(), &name) };
            link.unwrap();
            assert!(place.compiles_anew());
            assert!(fs::symlink_metadata(&name).unwrap().is_file());
            assert!(place.is_victim_intact());
        }
    }
    fs::remove_file(place.key()).unwrap();
    let made = Command::new("mkfifo").arg(place.key()).status().unwrap();
    assert!(made.success());
    assert!(place.compiles_anew(), "a pipe that nobody writes to");
}

#[test]
fn a_lost_or_shared_key_is_replaced_and_its_files_with_it() {
    let place = Place::used();
    let key = || fs::read(place.key()).unwrap();
    let first = key();
    assert_eq!(first.len(), 32);
    let others: [&dyn Fn(); 5] = [
        &|| fs::remove_file(place.key()).unwrap(),
        &|| fs::write(place.key(), [7; 32]).unwrap(),
        &|| fs::write(place.key(), [7; 31]).unwrap(),
        &|| fs::write(place.key(), [7; 33]).unwrap(),
        &|| chmod(&place.key(), 0o640),
    ];
    for (number, other) in others.iter().enumerate() {
        let before = key();
        other();
        assert!(place.compiles_anew(), "{number}");
        assert_ne!(key(), before, "{number}");
        assert_eq!(fs::metadata(place.key()).unwrap().mode() & 0o777, 0o600, "{number}");
        assert!(!place.compiles_anew(), "{number}");
    }
}

/// The code of another module, for the same compiler, is found under the name of the module.
#[test]
fn code_that_this_folder_did_not_compile_is_not_run() {
    let text = include_str!("stand_in/module.wat");
    let counts = "(local.get $out) (global.get $count)";
    assert!(text.contains(counts));
    let evil = wat::parse_str(text.replace(counts, "(local.get $out) (i32.const 65)")).unwrap();

    let place = Place::used();
    let good = place.file();
    let theirs = Place::new();
    fs::write(&theirs.config.module, &evil).unwrap();
    assert_eq!(theirs.start(), 65);
    let theirs = fs::read(theirs.file()).unwrap();
    let code = &theirs[..theirs.len() - 32];

    let ours = fs::read(&place.config.module).unwrap();
    fs::write(&place.config.module, &evil).unwrap();
    assert_eq!(place.start(), 65);
    let other = place.compiled().into_iter().find(|name| *name != good).unwrap();
    let other = fs::read(other).unwrap();
    fs::write(&place.config.module, ours).unwrap();

    for (whose, bytes) in [
        ("with a digest that needs no key", &[code, &Sha256::digest(code)[..]].concat()),
        ("of another folder", &theirs),
        ("of this folder, under another name", &other),
    ] {
        fs::write(&good, bytes).unwrap();
        assert_eq!(place.start(), 1, "a file {whose}");
        assert_ne!(&fs::read(&good).unwrap(), bytes, "a file {whose}");
    }
}
