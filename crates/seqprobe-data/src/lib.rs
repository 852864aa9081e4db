//! Card or file to checked dataset; splits; simulated tasks.
