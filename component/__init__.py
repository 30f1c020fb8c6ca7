"""The component as a package for programs in every language of Pulumi's; see docs/other-programs.md."""
