//! `bliss-rounds files|samples THREADS FILES...`: seconds that bliss-audio takes for all files, one number on a line.
//! `files` decodes too; `samples` takes raw float32 at 22,050 Hz, read before the clock starts.

use std::{env, fs, num::NonZeroUsize, path::PathBuf, time::Instant};

use bliss_audio::decoder::{symphonia::SymphoniaDecoder, Decoder};
use bliss_audio::{AnalysisOptions, Song};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let threads: NonZeroUsize = arguments[1].parse().expect("a count of threads");
    let paths: Vec<PathBuf> = arguments[2..].iter().map(PathBuf::from).collect();
    let options = AnalysisOptions { number_cores: threads, ..Default::default() };
    let seconds = match arguments[0].as_str() {
        "files" => {
            let started = Instant::now();
            for (path, song) in SymphoniaDecoder::analyze_paths_with_options(paths, options) {
                song.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
            started.elapsed()
        }
        "samples" => {
            let signals: Vec<Vec<f32>> = paths
                .iter()
                .map(|path| {
                    let bytes = fs::read(path).expect("a file of samples");
                    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
                })
                .collect();
            let started = Instant::now();
            for signal in &signals {
                Song::analyze(signal).expect("a signal that is long enough");
            }
            started.elapsed()
        }
        other => panic!("{other}: neither files nor samples"),
    };
    println!("{}", seconds.as_secs_f64());
}
