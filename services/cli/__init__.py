"""The `huizhi` command."""
