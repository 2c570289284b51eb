"""Settings: from a file, the environment over it, a command over both; whatever cannot be is named and refused."""

from pathlib import Path

import msgspec
import pytest

from lingdang.settings import Settings, SettingsError, load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lingdang.toml"


def test_without_anything_they_are_the_defaults() -> None:
    assert load_settings({}) == load_settings({"PATH": "/bin", "LINGDANG_CONFIG": ""}) == Settings()


def test_each_stands_over_the_one_before(file: Path) -> None:
    file.write_text('buckets = 2\nissuer = "file"\nsession_seconds = 60\n')
    environ = {"LINGDANG_CONFIG": str(file), "LINGDANG_ISSUER": "environment", "LINGDANG_SESSION_SECONDS": "70"}
    settings = load_settings(environ, {"buckets": 9, "queue_limit": 7}, session_seconds=80, demo=None)
    assert (settings.queue_limit, settings.buckets, settings.issuer) == (7, 2, "environment")
    assert (settings.session_seconds, settings.demo) == (80, False)


def test_a_file_may_name_settings_as_the_environment_does(file: Path) -> None:
    file.write_text('LINGDANG_ISSUER = "shop"\nsign_types = ["ES256"]\n')
    settings = load_settings({"LINGDANG_CONFIG": str(file)})
    assert (settings.issuer, settings.sign_types) == ("shop", ("ES256",))


def test_lists_are_separated_by_commas() -> None:
    settings = load_settings({"LINGDANG_SIGN_TYPES": "ES256, MD5", "LINGDANG_CORS_ORIGINS": " "})
    assert (settings.sign_types, settings.cors_origins) == (("ES256", "MD5"), ())


@pytest.mark.parametrize(
    "value", ['["https://a.example", "http://b.example"]', '"https://a.example, http://b.example"']
)
def test_a_file_may_separate_them_likewise(file: Path, value: str) -> None:
    file.write_text(f"LINGDANG_CORS_ORIGINS = {value}\n")
    assert load_settings({"LINGDANG_CONFIG": str(file)}).cors_origins == ("https://a.example", "http://b.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BUCKETS", "0"),
        ("BUCKETS", "32768"),
        ("BUCKETS", "1.5"),
        ("BUCKETS", ""),
        ("POOL_SIZE", "6"),
        ("SIGN_TYPES", "RSA"),
        ("SIGN_TYPES", ""),
        ("DEMO", "perhaps"),
        ("REFUND_LAPSED", "extend:0"),
        ("REFUND_LAPSED", "extend:30\n"),
        ("HSTS", "max-age=1; preload; more"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://a.test/path"),
        ("SESSION_SECONDS", "0"),
        ("LOG_LEVEL", "loud"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("COLOUR", "blue"),
    ],
)
def test_what_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name.lower() if name != "TIME_ZONE" else name):
        load_settings({f"LINGDANG_{name}": value})


@pytest.mark.parametrize("content", ["buckets = ", "[buckets]", "buckets = true", "\xff"])
def test_a_file_that_is_none(file: Path, content: str) -> None:
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(SettingsError):
        load_settings({"LINGDANG_CONFIG": str(file)})


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="no-such-file"):
        load_settings({"LINGDANG_CONFIG": "no-such-file"})


def test_paths_are_whole_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings(data_dir="shop").data_path == tmp_path / "shop"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings(data_dir="~/shop").data_path == tmp_path / "shop"


PATHS = {name for name in Settings.__struct_fields__ if name.endswith(("_dir", "_file", "_cert", "_key"))}


def test_a_files_relative_paths_begin_at_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the current folder is, and however the file is named."""
    folder, elsewhere = tmp_path / "shop", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (folder / "shop.toml").write_text("".join(f'{name} = "my/{name}"\n' for name in PATHS))
    for config in (str(folder / "shop.toml"), "../shop/shop.toml"):
        settings = load_settings({"LINGDANG_CONFIG": config})
        for name in PATHS:
            assert Path(getattr(settings, name)).resolve() == folder / "my" / name, name
    (folder / "shop.toml").write_text(f'data_dir = "{tmp_path}/data"\ntls_key = "~/key.pem"\ntls_cert = ""\n')
    settings = load_settings({"LINGDANG_CONFIG": "../shop/shop.toml"})
    assert (settings.data_path, settings.tls_key, settings.tls_cert) == (tmp_path / "data", "~/key.pem", "")


def test_other_relative_paths_begin_at_the_current_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    file = tmp_path / "shop/shop.toml"
    file.write_text("buckets = 2\n")
    monkeypatch.chdir(tmp_path)
    environ = {"LINGDANG_CONFIG": str(file), "LINGDANG_DATA_DIR": "data", "LINGDANG_WITNESS_FILE": "witness.jws"}
    settings = load_settings(environ)
    assert (settings.data_path, settings.witness_file) == (tmp_path / "data", "witness.jws")
    assert load_settings(environ, data_dir="mine").data_path == tmp_path / "mine"
    assert load_settings({"LINGDANG_CONFIG": str(file)}).data_path == tmp_path / ".lingdang"


def test_they_do_not_change_once_made() -> None:
    with pytest.raises(AttributeError):
        Settings().demo = True  # type: ignore[misc]
    assert msgspec.structs.replace(Settings(), demo=True).demo
