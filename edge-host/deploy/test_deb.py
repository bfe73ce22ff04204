"""The Debian package: its files, its bytes, and an installation below a folder: `make test-deb`.

Environment: LOCKSTEP_HOST (the daemon) and LOCKSTEP_TINY (whose `model` is served).
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
DOC = "usr/share/doc/lockstep-edge-host"
MODES = {
    "usr/bin/edge-host": "-rwxr-xr-x",
    "lib/systemd/system/edge-host.service": "-rw-r--r--",
    "etc/lockstep/edge-host.toml": "-rw-r--r--",
    "usr/lib/sysusers.d/lockstep-edge-host.conf": "-rw-r--r--",
    "usr/share/man/man1/edge-host.1.gz": "-rw-r--r--",
    "usr/share/man/man1/edge-host-serve.1.gz": "-rw-r--r--",
    f"{DOC}/copyright": "-rw-r--r--",
    f"{DOC}/changelog.gz": "-rw-r--r--",
    f"{DOC}/SETTINGS.md": "-rw-r--r--",
}


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, **more)
    if done.returncode:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def skip(test, reason):
    """Skips a test by name: `make test` counts it."""
    if "LOCKSTEP_SKIPPED" in os.environ:
        with open(os.environ["LOCKSTEP_SKIPPED"], "a", encoding="utf-8") as skipped:
            skipped.write(f"{test.id()}: {reason}\n")
    test.skipTest(reason)


def build(folder, **environment):
    return pathlib.Path(
        run(HERE / "deb.sh", os.environ["LOCKSTEP_HOST"], folder, env={**os.environ, **environment}).strip()
    )


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.deb = build(cls.folder)
        cls.tree = cls.folder / "tree"
        run("dpkg-deb", "--extract", cls.deb, cls.tree)
        cls.control = run("dpkg-deb", "--field", cls.deb)

    def test_files_belong_to_root_and_have_their_modes(self):
        found = {}
        for line in run("dpkg-deb", "--contents", self.deb).splitlines():
            mode, owner, _, _, _, name = line.split()[:6]
            self.assertEqual(owner, "root/root", line)
            self.assertNotRegex(mode, r"^.....w|^........w", line)
            found[name.removeprefix("./")] = mode
        for name, mode in MODES.items():
            self.assertEqual(found.get(name), mode, name)
        self.assertEqual(run("dpkg-deb", "--info", self.deb, "conffiles"), "/etc/lockstep/edge-host.toml\n")

    def test_the_same_program_makes_the_same_bytes(self):
        again = build(self.folder / "again", TZ="Asia/Tokyo", LC_ALL="C.UTF-8")
        self.assertTrue(self.deb.read_bytes() == again.read_bytes(), "the bytes differ")
        other = build(self.folder / "other", SOURCE_DATE_EPOCH="1")
        self.assertFalse(self.deb.read_bytes() == other.read_bytes(), "the time does not count")

    def test_the_checksums_are_those_of_the_files(self):
        sums = run("dpkg-deb", "--info", self.deb, "md5sums")
        self.assertEqual(len(sums.splitlines()), sum(path.is_file() for path in self.tree.rglob("*")))
        run("md5sum", "--check", "--strict", cwd=self.tree, input=sums)

    def test_the_dependency_is_the_newest_symbol(self):
        wanted = re.search(r"libc6 \(>= ([\d.]+)\)", self.control)[1]
        symbols = run("objdump", "-T", self.tree / "usr/bin/edge-host")
        versions = {tuple(map(int, one.split("."))) for one in re.findall(r"GLIBC_(\d[\d.]*)", symbols)}
        self.assertEqual(tuple(map(int, wanted.split("."))), max(versions))
        needed = set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", self.tree / "usr/bin/edge-host")))
        # All of them are files of libc6 and libgcc-s1.
        self.assertLessEqual(needed, {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"})

    def test_the_unit_names_files_of_the_package(self):
        unit = (self.tree / "lib/systemd/system/edge-host.service").read_text()
        for path in re.findall(r"^(?:ExecStart=|Documentation=file://)(/\S+)", unit, re.M):
            self.assertTrue((self.tree / path[1:]).is_file(), path)
        config = re.search(r"--config (/\S+)", unit)[1]
        self.assertIn(f"{config[1:]}", MODES)
        user = re.search(r"^User=(\S+)", unit, re.M)[1]
        self.assertIn(f"u {user} ", (self.tree / "usr/lib/sysusers.d/lockstep-edge-host.conf").read_text())

    def test_the_program_takes_the_settings(self):
        program = self.tree / "usr/bin/edge-host"
        keys = self.folder / "keys.toml"
        keys.write_text(run(program, "new-key", "--name", "me"))
        own = {"EDGE_HOST_MODEL": os.path.join(os.environ["LOCKSTEP_TINY"], "model"), "EDGE_HOST_KEYS": str(keys)}
        shown = run(program, "check-config", "--config", self.tree / "etc/lockstep/edge-host.toml", env={**os.environ, **own})
        self.assertIn('listen = "0.0.0.0:8080"', shown)

    def test_it_is_installed_removed_and_purged(self):
        if subprocess.run(["unshare", "--map-root-user", "true"], capture_output=True).returncode:
            skip(self, "this system gives users no namespace of their own")
        root = self.folder / "root"
        base = root / "var/lib/dpkg"
        for folder in ("info", "updates", "triggers"):
            (base / folder).mkdir(parents=True)
        (base / "status").touch()
        # A user is root in a namespace of its own. The scripts run outside of the folder.
        dpkg = ("unshare", "--map-root-user", "dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless")
        settings = root / "etc/lockstep/edge-host.toml"
        run(*dpkg, "--install", self.deb)
        self.assertIn("install ok installed", (base / "status").read_text())
        self.assertTrue(os.access(root / "usr/bin/edge-host", os.X_OK))
        if shutil.which("systemd-sysusers"):
            self.assertIn("lockstep:", (root / "etc/passwd").read_text())
        settings.write_text(settings.read_text() + "queue = 5\n")
        run(*dpkg, "--install", self.deb)
        self.assertIn("queue = 5", settings.read_text(), "an upgrade keeps the operator's settings")
        run(*dpkg, "--remove", "lockstep-edge-host")
        self.assertTrue(settings.exists() and not (root / "usr/bin/edge-host").exists())
        run(*dpkg, "--purge", "lockstep-edge-host")
        self.assertFalse(settings.exists())

    def test_lintian_has_no_complaint(self):
        if not shutil.which("lintian"):
            skip(self, "lintian is not installed")
        run("lintian", "--fail-on", "error,warning", "--no-cfg", "--allow-root", self.deb)


if __name__ == "__main__":
    unittest.main()
