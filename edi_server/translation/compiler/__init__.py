"""Plans turned into specialised Python.

In: a plan for reading or writing. Out: a function that does what the interpreter does, some thirty times faster.
Values from users' files enter the generated source as constants only (`repr`), never as code.
"""

from edi_server.translation.compiler.reader import Reader, compile_reader, may_read_quickly
from edi_server.translation.compiler.writer import Writer, compile_writer

__all__ = ["Reader", "Writer", "compile_reader", "compile_writer", "may_read_quickly"]
