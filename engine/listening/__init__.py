"""What a performer beside the orchestra plays: pitch, onsets and notes from sound. Pure: values in, values out."""
