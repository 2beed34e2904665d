"""Puts the profiles and the demo's partners, which stand at the top of a checkout, inside the installed package."""

from pathlib import Path

from setuptools import find_packages, setup

DATA = {"edi_server.translation.translations": "translations", "edi_server.demo.partners": "partners"}


def below(package: str, folder: str) -> dict[str, str]:
    """The folder and every folder in it, as packages."""
    inner = [path for path in Path(folder).rglob("*") if path.is_dir()]
    return {package: folder} | {".".join((package, *p.relative_to(folder).parts)): p.as_posix() for p in inner}


mapped = {name: path for package, folder in DATA.items() for name, path in below(package, folder).items()}
setup(
    packages=[*find_packages(include=["edi_server", "edi_server.*"]), *mapped],
    package_dir=mapped,
    package_data={
        "": ["py.typed", "*.toml", "*.txt", "*.mako", "*.html", "*.edi", "*.json"],
        "edi_server.guides": ["data/**/*.txt"],
    },
)
